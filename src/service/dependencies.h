// What every service is built from; all of it outlives the services.
//
// Built in app/ and passed in, so that tests own time, randomness and the disk.
// Thread safety: each member as it says.
#pragma once

#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "core/digest_keys.h"
#include "core/scope_catalog.h"
#include "store/store.h"

namespace latchkey::service {

struct Dependencies {
  store::Store& store;
  Clock& clock;
  Entropy& entropy;
  Log& log;
  const core::ScopeCatalog& catalog;
  const core::DigestKeys& digest_keys;
  const core::ProviderSignature& provider;
};

// The outcome of a change: the revision that an index must have to know of it.
template <class T>
struct Changed {
  T value;
  core::Revision revision;
};

}  // namespace latchkey::service
