#include "gate/token_form.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "http/message.h"

namespace latchkey::gate {
namespace {

constexpr size_t kTokenBytesMax = 1024;
constexpr size_t kScopeBytesMax = 4096;
constexpr size_t kNameBytesMax = 100;
constexpr std::string_view kFormType = "application/x-www-form-urlencoded";

// `token_type_hint` is known and not used: there is one type of token.
constexpr std::array<std::string_view, 5> kNames = {"token", "token_type_hint", "required_scope",
                                                    "organization", "min_revision"};

bool is_form(std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  return ascii_equal_ignoring_case(type, kFormType);
}

// The name of a field that no message may repeat could be a token that stands in the wrong place.
Error repeated(std::string_view name) {
  const bool is_known = std::find(kNames.begin(), kNames.end(), name) != kNames.end();
  return invalid_field(is_known ? name : "A field", "must be given once");
}

Result<void> refuse_repeated(const http::QueryParameters& fields) {
  for (auto later = fields.begin(); later != fields.end(); ++later) {
    const bool is_repeated = std::any_of(
        fields.begin(), later, [&](const auto& earlier) { return earlier.first == later->first; });
    if (is_repeated) return repeated(later->first);
  }
  return {};
}

// The field `name`; empty when it is absent, which is the same as empty (RFC 6749 section 3.2).
Result<std::string_view> read(const http::QueryParameters& fields, std::string_view name,
                              size_t bytes_max) {
  for (const auto& [key, value] : fields) {
    if (key != name) continue;
    if (value.size() > bytes_max) {
      return invalid_field(name, "must be at most " + std::to_string(bytes_max) + " bytes long");
    }
    return std::string_view(value);
  }
  return std::string_view();
}

}  // namespace

std::optional<core::Position> parse_position(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto epoch = core::parse_id<core::Epoch>(text.substr(0, dot));
  const auto revision = parse_unsigned(text.substr(dot + 1));
  if (!epoch || !revision) return std::nullopt;
  return core::Position{*epoch, {*revision}};
}

Result<TokenForm> parse_token_form(std::string_view content_type, std::string_view body) {
  if (!is_form(content_type)) {
    return invalid_field("Content-Type", "must be " + std::string(kFormType));
  }
  if (body.size() > kTokenFormBytesMax) {
    return Error(ErrorCode::request_malformed, "The form is longer than 8,192 bytes.");
  }
  const auto fields = http::parse_query(body);
  if (!fields) {
    return Error(ErrorCode::request_malformed, "The form is not well-formed, or too long.");
  }
  LK_CHECK(refuse_repeated(*fields));
  TokenForm form;
  LK_TRY(const std::string_view token, read(*fields, "token", kTokenBytesMax));
  if (token.empty()) return invalid_field("token", "must be given");
  form.token = SecretText(token);
  LK_TRY(form.required_scope, read(*fields, "required_scope", kScopeBytesMax));
  LK_TRY(form.organization, read(*fields, "organization", kNameBytesMax));
  LK_TRY(const std::string_view revision, read(*fields, "min_revision", kNameBytesMax));
  if (!revision.empty()) {
    form.min_revision = parse_position(revision);
    if (!form.min_revision) {
      return invalid_field("min_revision", "must be <epoch>.<revision>, as an answer gave it");
    }
  }
  return form;
}

}  // namespace latchkey::gate
