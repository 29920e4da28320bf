// Ten million tokens that are not there: a feed made from a seed, and the texts of some of them.
//
// People are spread evenly over organizations, tokens evenly over people. Only the sampled tokens
// have a text; the others are random digests, which is what an index sees of any token. Thread
// safety: immutable after construction; load() and follow() from one thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/digest_keys.h"
#include "core/token_text.h"
#include "verify/feed.h"

namespace latchkey::bench {

struct PopulationSize {
  uint64_t tokens = 10'000'000;
  uint64_t people = 100'000;
  uint64_t organizations = 1'000;
  uint64_t sampled = 1'000'000;
};

class Population final : public verify::Feed {
 public:
  // A token with its text and the organization that it is for.
  struct Sample {
    std::string text;
    uint64_t number;
  };

  explicit Population(PopulationSize size)
      : size_(size),
        key_(SecretKey({1, 2, 3})),
        keys_({{core::DigestKeyId{}, key_}}, core::DigestKeyId{}) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 500; ++i) {
      core::ScopeSet scopes;
      for (int scope = 0; scope < 20; ++scope) scopes.add({static_cast<uint8_t>(random() % 100)});
      scopes.add({0});
      scope_sets_.push_back(scopes);
    }
    SeededEntropy entropy(2);
    const uint64_t step = std::max<uint64_t>(1, size_.tokens / size_.sampled);
    for (uint64_t number = 0; number < size_.tokens; number += step) {
      auto text = core::generate_token(provider_, keys_.current_id(), now_, entropy);
      samples_.push_back({std::string(text->reveal(RevealSecret{})), number});
    }
    step_ = step;
  }

  const core::DigestKeys& keys() const { return keys_; }
  const Hmac& key() const { return key_; }  // the only one of keys()
  const core::ProviderSignature& provider() const { return provider_; }
  // In the order of the feed.
  const std::vector<Sample>& samples() const { return samples_; }
  std::string organization_name(uint64_t token) const {
    return "org" + std::to_string(organization_of(person_of(token)));
  }

  Result<verify::Reached> load(const Sink& sink) override {
    for (uint64_t i = 0; i < size_.organizations; ++i) {
      sink(verify::OrganizationItem{id<core::OrganizationId>(1, i), "org" + std::to_string(i),
                                    true});
    }
    for (uint64_t i = 0; i < size_.people; ++i) {
      sink(verify::MembershipItem{id<core::OrganizationId>(1, organization_of(i)),
                                  id<core::PersonId>(2, i), true, core::ScopeSet::all()});
    }
    std::mt19937_64 random(3);
    for (uint64_t i = 0; i < size_.tokens; ++i) sink(token(i, random));
    return verify::Reached{{{}, {1}}};
  }
  Result<verify::Reached> follow(const core::Position& after, Milliseconds wait,
                                 const Sink&) override {
    std::this_thread::sleep_for(wait);
    return verify::Reached{after};
  }

 private:
  // Scattered, so that neighbours in the feed are not neighbours in the index.
  uint64_t person_of(uint64_t token) const { return token * 7919 % size_.people; }
  uint64_t organization_of(uint64_t person) const { return person % size_.organizations; }

  template <class AnyId>
  static AnyId id(uint64_t kind, uint64_t number) {
    AnyId made;
    std::memcpy(made.uuid.bytes.data(), &kind, 8);
    number *= 0x9e3779b97f4a7c15ull;
    std::memcpy(made.uuid.bytes.data() + 8, &number, 8);
    return made;
  }

  verify::TokenItem token(uint64_t number, std::mt19937_64& random) const {
    verify::TokenItem item;
    item.id = id<core::TokenId>(3, number);
    item.owner = id<core::PersonId>(2, person_of(number));
    item.organization = id<core::OrganizationId>(1, organization_of(person_of(number)));
    item.scopes = scope_sets_[random() % scope_sets_.size()];
    item.valid_to = now_ + std::chrono::hours(24 * 365 * 50);
    if (number % step_ == 0) {
      item.digest = *keys_.digest_of(keys_.current_id(), samples_[number / step_].text);
    } else {
      for (size_t i = 0; i < item.digest.size(); i += 8) {
        const uint64_t word = random();
        std::memcpy(item.digest.data() + i, &word, 8);
      }
    }
    return item;
  }

  const PopulationSize size_;
  const Instant now_{1'780'000'000'000};
  const core::ProviderSignature provider_ = core::ProviderSignature::standard();
  const Hmac key_;
  const core::DigestKeys keys_;
  std::vector<core::ScopeSet> scope_sets_;
  std::vector<Sample> samples_;
  uint64_t step_ = 1;
};

}  // namespace latchkey::bench
