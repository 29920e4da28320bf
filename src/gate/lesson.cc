#include "gate/lesson.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"

namespace latchkey::gate {
namespace {

constexpr size_t kAlternativesMax = 64;
constexpr size_t kInWordsMax = 8;  // of them, in a message

// "vso.code with vso.work".
std::string in_words(std::string_view alternative) {
  std::string words;
  for (const std::string_view scope : split(alternative, ' ')) {
    words += words.empty() ? "" : " with ";
    words += scope;
  }
  return words;
}

}  // namespace

std::vector<std::string> name_alternatives(const core::ScopeCatalog& catalog,
                                           const verify::ScopeRequirement& required) {
  std::vector<std::string> names;
  for (const core::ScopeSet& alternative : required.alternatives()) {
    if (names.size() == kAlternativesMax) break;
    std::string name = catalog.format(alternative);
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

std::string lesson_message(const Lesson& lesson) {
  std::string text =
      "Access Denied: The Personal Access Token used lacks a scope that opens this operation";
  if (!lesson.operation.empty()) text += " (" + std::string(lesson.operation) + ")";
  text += " under its owner's role.";
  if (lesson.alternatives != nullptr && !lesson.alternatives->empty()) {
    text += " Any one of these would do: ";
    size_t told = 0;
    for (const std::string& alternative : *lesson.alternatives) {
      if (told == kInWordsMax) break;
      ++told;
      if (alternative != core::ScopeCatalog::kFullAccess) text += in_words(alternative) + ", ";
    }
    const size_t more = lesson.alternatives->size() - told;
    if (more > 0) text += std::to_string(more) + " more, ";
    text += "or full access (app_token).";
  }
  if (!lesson.link.empty()) text += " Make such a token here: " + std::string(lesson.link);
  return text;
}

std::string lesson_fields(const Lesson& lesson) {
  std::string text;
  if (!lesson.operation.empty()) text += ",\"operation\":" + quote_json(lesson.operation);
  if (lesson.alternatives != nullptr) {
    text += ",\"scopes\":[";
    for (const std::string& alternative : *lesson.alternatives) {
      text += (&alternative == lesson.alternatives->data() ? "" : ",") + quote_json(alternative);
    }
    text += ']';
  }
  if (!lesson.link.empty()) text += ",\"tokenUrl\":" + quote_json(lesson.link);
  return text;
}

std::string lesson_scope(const Lesson& lesson) {
  std::vector<std::string_view> known;
  std::string text;
  if (lesson.alternatives == nullptr) return text;
  for (const std::string& alternative : *lesson.alternatives) {
    for (const std::string_view scope : split(alternative, ' ')) {
      if (std::find(known.begin(), known.end(), scope) != known.end()) continue;
      known.push_back(scope);
      text += text.empty() ? "" : " ";
      text += scope;
    }
  }
  return text;
}

}  // namespace latchkey::gate
