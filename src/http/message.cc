#include "http/message.h"

#include "base/assert.h"
#include "base/text.h"

namespace latchkey::http {
namespace {

// Calls a function with the answer.
class FunctionSink final : public ReplySink {
 public:
  explicit FunctionSink(std::function<void(Response&&)> send) : send_(std::move(send)) {}
  void answer(Response&& response) override { send_(std::move(response)); }

 private:
  std::function<void(Response&&)> send_;
};

}  // namespace

std::optional<std::string_view> Request::header(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const Header& header : headers()) {
    if (!ascii_equal_ignoring_case(header.name, name)) continue;
    if (found) return std::nullopt;
    found = header.value;
  }
  return found;
}

size_t Request::count_headers(std::string_view name) const {
  size_t count = 0;
  for (const Header& header : headers()) {
    if (ascii_equal_ignoring_case(header.name, name)) ++count;
  }
  return count;
}

std::optional<std::string_view> find_cookie(const Request& request, std::string_view name) {
  std::optional<std::string_view> found;
  for (const Header& header : request.headers()) {
    if (!ascii_equal_ignoring_case(header.name, "cookie")) continue;
    for (std::string_view pair : split(header.value, ';')) {
      pair = trim(pair);
      const size_t equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
      if (found) return std::nullopt;
      found = pair.substr(equals + 1);
    }
  }
  return found;
}

std::optional<QueryParameters> parse_query(std::string_view query, size_t parameters_max) {
  QueryParameters parameters;
  for (const std::string_view part : split(query, '&')) {
    if (part.empty()) continue;
    if (parameters.size() == parameters_max) return std::nullopt;
    const size_t equals = part.find('=');
    const std::string_view raw_value =
        equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
    auto name = percent_decode(part.substr(0, equals), PlusSign::space);
    auto value = percent_decode(raw_value, PlusSign::space);
    if (!name || !value || !is_utf8(*name) || !is_utf8(*value)) return std::nullopt;
    parameters.emplace_back(*std::move(name), *std::move(value));
  }
  return parameters;
}

Response& Response::add_header(std::string name, std::string value) {
  headers.emplace_back(std::move(name), std::move(value));
  return *this;
}

Response make_response(int status, std::string_view content_type, std::string body) {
  Response response;
  response.status = status;
  response.add_header("Content-Type", std::string(content_type));
  response.body = std::move(body);
  return response;
}

Reply::Reply(std::function<void(Response&&)> send)
    : sink_(std::make_shared<FunctionSink>(std::move(send))) {}

Reply::~Reply() {
  if (!sink_) return;
  // As kFailed (response_text.h), which is the server's; the library has messages and no server.
  send(make_response(500, "application/json; charset=utf-8",
                     R"({"$id":"1","innerException":null,"message":"The server failed to answer.",)"
                     R"("typeName":"Latchkey.InternalException","typeKey":"InternalException",)"
                     R"("errorCode":0,"eventId":0})"));
}

void Reply::send(Response response) {
  LK_ASSERT(sink_ != nullptr);
  const std::shared_ptr<ReplySink> sink = std::move(sink_);
  sink->answer(std::move(response));
}

}  // namespace latchkey::http
