#include "core/event.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "base/bytes.h"
#include "base/json.h"
#include "base/source_dir_for_test.h"

namespace latchkey::core {
namespace {

json::object load_vectors() {
  std::ifstream file(source_dir_for_test() + "/spec/vectors/events.json");
  std::stringstream text;
  text << file.rdbuf();
  auto document = parse_json(text.str());
  EXPECT_TRUE(document);
  return document->as_object();
}

std::string text_of(const json::object& object, std::string_view field) {
  return std::string(object.at(field).as_string());
}

template <size_t n>
std::array<uint8_t, n> bytes_of(const json::object& object, std::string_view field) {
  const auto bytes = parse_hex(text_of(object, field));
  EXPECT_TRUE(bytes && bytes->size() == n);
  std::array<uint8_t, n> array{};
  std::copy(bytes->begin(), bytes->end(), array.begin());
  return array;
}

template <class AnyId>
std::optional<AnyId> id_of(const json::object& object, std::string_view field) {
  if (object.at(field).is_null()) return std::nullopt;
  return parse_id<AnyId>(text_of(object, field));
}

Event event_of(const json::object& vector) {
  Event event;
  event.revision.number = vector.at("revision").to_number<uint64_t>();
  event.at.ms = vector.at("at").to_number<int64_t>();
  event.draft.organization = id_of<OrganizationId>(vector, "organization");
  event.draft.actor = id_of<PersonId>(vector, "actor");
  event.draft.action = parse_action(text_of(vector, "action")).value();
  event.draft.subjects = parse_subjects(text_of(vector, "subjects")).value();
  event.draft.data = text_of(vector, "data");
  event.context_digest = bytes_of<32>(vector, "contextDigest");
  event.previous_hash = bytes_of<32>(vector, "previousHash");
  event.hash = bytes_of<32>(vector, "hash");
  return event;
}

TEST(EventContext, DigestsMatchTheVectors) {
  const auto vectors = load_vectors();
  ASSERT_GE(vectors.at("contexts").as_array().size(), 3u);
  for (const auto& value : vectors.at("contexts").as_array()) {
    const auto& vector = value.as_object();
    const EventContext context{text_of(vector, "address"), text_of(vector, "userAgent"),
                               text_of(vector, "mechanism"), text_of(vector, "correlationId"),
                               text_of(vector, "names")};
    EXPECT_EQ(format_hex(context_digest(context, bytes_of<16>(vector, "salt"))),
              text_of(vector, "digest"));
  }
}

TEST(EventHash, MatchesTheVectorsAndChains) {
  const auto vectors = load_vectors();
  Digest previous{};
  ASSERT_GE(vectors.at("events").as_array().size(), 4u);
  for (const auto& value : vectors.at("events").as_array()) {
    const Event event = event_of(value.as_object());
    EXPECT_EQ(format_hex(event_hash(event)), format_hex(event.hash));
    EXPECT_EQ(event.previous_hash, previous);
    previous = event.hash;
  }
}

TEST(EventHash, DependsOnEveryField) {
  const auto vectors = load_vectors();
  const Event event = event_of(vectors.at("events").as_array().at(2).as_object());
  std::set<Digest> hashes{event_hash(event)};
  const auto with = [&](auto change) {
    Event changed = event;
    change(changed);
    EXPECT_TRUE(hashes.insert(event_hash(changed)).second);
  };
  with([](Event& e) { ++e.revision.number; });
  with([](Event& e) { ++e.at.ms; });
  with([](Event& e) { e.draft.organization.reset(); });
  with([](Event& e) { e.draft.actor.reset(); });
  with([](Event& e) { std::swap(e.draft.actor->uuid, e.draft.organization->uuid); });
  with([](Event& e) { e.draft.action = Action::token_updated; });
  with([](Event& e) { e.draft.subjects.clear(); });
  with([](Event& e) { e.draft.data += ' '; });
  with([](Event& e) { e.context_digest[31] ^= 1; });
  with([](Event& e) { e.previous_hash[0] ^= 1; });
  Event same = event;
  same.hash[0] ^= 1;
  EXPECT_EQ(event_hash(same), event_hash(event));
}

TEST(EventHead, SignaturesMatchTheVectors) {
  const auto vectors = load_vectors();
  const Hmac row_key(SecretKey(bytes_of<32>(vectors, "rowKey")));
  for (const auto& value : vectors.at("heads").as_array()) {
    const auto& vector = value.as_object();
    const Revision revision{vector.at("revision").to_number<uint64_t>()};
    const Digest hash = bytes_of<32>(vector, "hash");
    const Epoch epoch{Uuid{bytes_of<16>(vector, "epoch")}};
    EXPECT_EQ(format_hex(head_signature(row_key, {epoch, revision}, hash)),
              text_of(vector, "signature"));
    EXPECT_EQ(format_hex(head_signature_without_epoch(row_key, revision, hash)),
              text_of(vector, "signatureWithoutEpoch"));
  }
}

TEST(EventSubjects, ReadBackWhatWasWritten) {
  Uuid id;
  id.bytes[0] = 0xab;
  std::vector<Subject> subjects;
  for (const SubjectKind kind :
       {SubjectKind::person, SubjectKind::organization, SubjectKind::membership, SubjectKind::token,
        SubjectKind::project, SubjectKind::session, SubjectKind::link, SubjectKind::client}) {
    subjects.push_back({kind, id});
    ++id.bytes[15];
  }
  const std::string text = format_subjects(subjects);
  EXPECT_EQ(parse_subjects(text), subjects);
  EXPECT_EQ(text.substr(0, 43), "person:ab000000-0000-0000-0000-000000000000");
  EXPECT_EQ(parse_subjects(""), std::vector<Subject>());
}

TEST(EventSubjects, RefuseAnotherForm) {
  const auto vectors = load_vectors();
  for (const auto& value : vectors.at("subjectsRefused").as_array()) {
    const std::string text(value.as_string());
    EXPECT_FALSE(parse_subjects(text)) << text;
  }
}

TEST(EventAction, NamesAreUniqueAndReadBack) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Action::client_removed); ++i) {
    const Action action = static_cast<Action>(i);
    EXPECT_TRUE(names.insert(action_name(action)).second);
    EXPECT_EQ(parse_action(action_name(action)), action);
  }
  EXPECT_EQ(action_name(Action::token_created), "Token.PatCreateEvent");
  EXPECT_EQ(action_name(Action::token_revoked), "Token.PatRevokeEvent");
  EXPECT_FALSE(parse_action("Token.PatCreateevent"));
  EXPECT_FALSE(parse_action(""));
}

}  // namespace
}  // namespace latchkey::core
