// The console's routes about keys: what there is, rotating, and what retiring one ends.
//
//   GET  /keys                          each key: kind, id, when it was made, what depends on it
//   POST /keys/digest/rotate            a new current digest key
//   POST /keys/row/rotate               a new current row key; the rows are then signed anew
//   GET  /keys/row/rotation             how far that is
//   GET  /keys/digest/{id}/tokens       what retiring it would end: how many, and the first of them
//   POST /keys/digest/{id}/retire       ends some of them; once none is left, the key
// Never a byte of a key. Thread safety: any thread. Documented in docs/operating/keys.md.
#pragma once

#include "app/key_keeper.h"
#include "app/row_signer.h"
#include "http/message.h"
#include "service/actor.h"
#include "verify/verifier.h"

namespace latchkey::app {

class ConsoleKeys {
 public:
  ConsoleKeys(KeyKeeper& keeper, RowSigner& signer, const verify::Verifier& verifier)
      : keeper_(keeper), signer_(signer), verifier_(verifier) {}

  // Answers a request whose path begins with "/keys".
  Result<http::Response> answer(const http::Request& request, const service::Actor& actor);

 private:
  Result<http::Response> list();
  Result<http::Response> rotate_digest(const service::Actor& actor);
  Result<http::Response> rotate_row(const service::Actor& actor);
  Result<http::Response> rotation() const;
  Result<http::Response> dependents(core::DigestKeyId key);
  Result<http::Response> retire(const service::Actor& actor, core::DigestKeyId key);

  KeyKeeper& keeper_;
  RowSigner& signer_;
  const verify::Verifier& verifier_;
};

}  // namespace latchkey::app
