#include "gate/yaml.h"

#include <yaml.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/text.h"

namespace latchkey::gate {
namespace {

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";
constexpr std::string_view kTextTag = "tag:yaml.org,2002:str";
constexpr std::string_view kMergeKey = "<<";

// How much a value holds, so that a copy of it can be counted before it is made.
struct Weight {
  size_t nodes = 0;
  size_t text_bytes = 0;
};

struct Node {
  json::value value;
  Weight weight;
};

// One event of libyaml, released at its end.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&event_); }
  yaml_event_t* fresh() {
    yaml_event_delete(&event_);
    return &event_;
  }
  const yaml_event_t& operator*() const { return event_; }
  const yaml_event_t* operator->() const { return &event_; }
  size_t line() const { return event_.start_mark.line + 1; }

 private:
  yaml_event_t event_{};
};

std::string_view view(const yaml_char_t* text) {
  return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

std::string_view scalar_text(const yaml_event_t& event) {
  return {reinterpret_cast<const char*>(event.data.scalar.value), event.data.scalar.length};
}

// A number of the core schema that JSON can say; nothing for any other text.
std::optional<json::value> find_number(std::string_view text) {
  const std::string_view digits =
      text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
  if (digits.empty() || !(is_ascii_digit(digits[0]) || digits[0] == '.')) return std::nullopt;
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* end = text.data() + text.size();
  int64_t whole = 0;
  if (const auto read = std::from_chars(begin, end, whole);
      read.ec == std::errc() && read.ptr == end) {
    return json::value(whole);
  }
  double real = 0;
  if (const auto read = std::from_chars(begin, end, real);
      read.ec == std::errc() && read.ptr == end) {
    return json::value(real);
  }
  return std::nullopt;
}

// What a plain scalar without a tag is. YAML 1.2.2 section 10.3.2.
json::value resolve_plain(std::string_view text) {
  for (const char* const null : {"", "~", "null", "Null", "NULL"}) {
    if (text == null) return nullptr;
  }
  for (const char* const yes : {"true", "True", "TRUE"}) {
    if (text == yes) return true;
  }
  for (const char* const no : {"false", "False", "FALSE"}) {
    if (text == no) return false;
  }
  if (auto number = find_number(text)) return *std::move(number);
  return json::value(json::string_view(text.data(), text.size()));
}

// Reads one document. Lives as long as one call of parse_yaml.
class Reader {
 public:
  explicit Reader(std::string_view text) {
    const bool made = yaml_parser_initialize(&parser_) == 1;
    LK_ASSERT(made);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { yaml_parser_delete(&parser_); }

  Result<json::value> read();

 private:
  Result<void> next(Event& event);
  Error wrong(size_t line, const std::string& rule) const;
  Result<Node> read_node(const Event& event, size_t depth);
  Result<Node> read_scalar(const Event& event);
  Result<Node> read_sequence(size_t depth);
  Result<Node> read_mapping(size_t depth);
  Result<Node> copy_alias(const Event& event);
  Result<void> merge(const json::value& from, size_t line, json::object& into);
  Result<void> count(const Weight& weight, size_t line);
  void remember(const yaml_char_t* anchor, const Node& node);

  yaml_parser_t parser_{};
  std::map<std::string, Node, std::less<>> anchors_;
  Weight total_;
};

Error Reader::wrong(size_t line, const std::string& rule) const {
  return Error(ErrorCode::body_malformed, "Line " + std::to_string(line) + ": " + rule + ".");
}

Result<void> Reader::next(Event& event) {
  if (yaml_parser_parse(&parser_, event.fresh()) == 1) return {};
  const std::string problem = parser_.problem ? parser_.problem : "it cannot be read";
  return wrong(parser_.problem_mark.line + 1, problem);
}

Result<json::value> Reader::read() {
  Event event;
  LK_CHECK(next(event));  // the stream's start
  LK_CHECK(next(event));
  if (event->type != YAML_DOCUMENT_START_EVENT) return wrong(event.line(), "there is no document");
  LK_CHECK(next(event));
  LK_TRY(Node node, read_node(event, 0));
  LK_CHECK(next(event));  // the document's end
  LK_CHECK(next(event));
  if (event->type != YAML_STREAM_END_EVENT) {
    return wrong(event.line(), "there is more than one document");
  }
  return std::move(node.value);
}

Result<void> Reader::count(const Weight& weight, size_t line) {
  total_.nodes += weight.nodes;
  total_.text_bytes += weight.text_bytes;
  if (total_.nodes > kYamlNodesMax || total_.text_bytes > kYamlTextBytesMax) {
    return wrong(line, "the document is too large, with its aliases");
  }
  return {};
}

void Reader::remember(const yaml_char_t* anchor, const Node& node) {
  if (anchor) anchors_.insert_or_assign(std::string(view(anchor)), node);
}

Result<Node> Reader::read_node(const Event& event, size_t depth) {
  if (depth > kYamlDepthMax) {
    return wrong(event.line(), "nested deeper than " + std::to_string(kYamlDepthMax) + " levels");
  }
  switch (event->type) {
    case YAML_SCALAR_EVENT: return read_scalar(event);
    case YAML_ALIAS_EVENT: return copy_alias(event);
    case YAML_SEQUENCE_START_EVENT: {
      LK_TRY(Node node, read_sequence(depth));
      remember(event->data.sequence_start.anchor, node);
      return node;
    }
    case YAML_MAPPING_START_EVENT: {
      LK_TRY(Node node, read_mapping(depth));
      remember(event->data.mapping_start.anchor, node);
      return node;
    }
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: break;
  }
  return wrong(event.line(), "a value was expected");
}

Result<Node> Reader::read_scalar(const Event& event) {
  const std::string_view text = scalar_text(*event);
  const std::string_view tag = view(event->data.scalar.tag);
  const bool is_text = !event->data.scalar.plain_implicit;
  if (!tag.empty() && tag != "!" && !tag.starts_with(kTagPrefix)) {
    return wrong(event.line(), "the tag '" + std::string(tag) + "' is not read");
  }
  Node node;
  const bool is_forced_text = tag == kTextTag || tag == "!";
  node.value = is_forced_text || (is_text && tag.empty())
                   ? json::value(json::string_view(text.data(), text.size()))
                   : resolve_plain(text);
  node.weight = {1, text.size()};
  LK_CHECK(count(node.weight, event.line()));
  remember(event->data.scalar.anchor, node);
  return node;
}

Result<Node> Reader::copy_alias(const Event& event) {
  const std::string_view name = view(event->data.alias.anchor);
  const auto found = anchors_.find(name);
  if (found == anchors_.end()) {
    return wrong(event.line(), "the alias '" + std::string(name) + "' names nothing before it");
  }
  LK_CHECK(count(found->second.weight, event.line()));  // before the copy is made
  return found->second;
}

Result<Node> Reader::read_sequence(size_t depth) {
  json::array elements;
  Weight weight{1, 0};
  Event event;
  while (true) {
    LK_CHECK(next(event));
    if (event->type == YAML_SEQUENCE_END_EVENT) break;
    LK_TRY(Node node, read_node(event, depth + 1));
    weight.nodes += node.weight.nodes;
    weight.text_bytes += node.weight.text_bytes;
    elements.push_back(std::move(node.value));
  }
  LK_CHECK(count({1, 0}, event.line()));
  return Node{std::move(elements), weight};
}

Result<Node> Reader::read_mapping(size_t depth) {
  json::object members;
  std::vector<std::pair<json::value, size_t>> merged;  // with their lines
  Weight weight{1, 0};
  Event event;
  while (true) {
    LK_CHECK(next(event));
    if (event->type == YAML_MAPPING_END_EVENT) break;
    if (event->type != YAML_SCALAR_EVENT) return wrong(event.line(), "a key must be a text");
    const std::string key(scalar_text(*event));
    const bool is_merge = key == kMergeKey && event->data.scalar.plain_implicit;
    const size_t line = event.line();
    LK_CHECK(count({1, key.size()}, line));
    if (!is_merge && members.contains(key)) {
      return wrong(line, "the key '" + key + "' stands twice");
    }
    LK_CHECK(next(event));
    LK_TRY(Node node, read_node(event, depth + 1));
    weight.nodes += 1 + node.weight.nodes;
    weight.text_bytes += key.size() + node.weight.text_bytes;
    if (is_merge) {
      merged.emplace_back(std::move(node.value), line);
    } else {
      members.emplace(key, std::move(node.value));
    }
  }
  // What the mapping says itself wins over what it merges.
  for (const auto& [from, line] : merged) LK_CHECK(merge(from, line, members));
  LK_CHECK(count({1, 0}, event.line()));
  return Node{std::move(members), weight};
}

Result<void> Reader::merge(const json::value& from, size_t line, json::object& into) {
  if (const auto* list = from.if_array()) {
    for (const json::value& element : *list) {
      if (!element.is_object()) return wrong(line, "only mappings can be merged");
      LK_CHECK(merge(element, line, into));
    }
    return {};
  }
  const auto* members = from.if_object();
  if (!members) return wrong(line, "only mappings can be merged");
  for (const auto& member : *members) into.emplace(member.key(), member.value());
  return {};
}

}  // namespace

Result<json::value> parse_yaml(std::string_view text) {
  if (!is_utf8(text)) {
    return Error(ErrorCode::body_malformed, "The document is not UTF-8.");
  }
  return Reader(text).read();
}

}  // namespace latchkey::gate
