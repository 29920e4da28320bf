#include "http/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <iterator>
#include <mutex>

#include "base/text.h"

namespace latchkey::http {
namespace {

constexpr size_t kHeaderBytesMax = 64 * 1024;

// A list of header lines as libcurl takes it. Its texts are wiped before they are freed.
class HeaderList {
 public:
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() {
    for (curl_slist* item = first_; item; item = item->next) {
      wipe(item->data, std::string_view(item->data).size());
    }
    curl_slist_free_all(first_);
  }
  void add(const std::string& line) {
    if (curl_slist* longer = curl_slist_append(first_, line.c_str())) first_ = longer;
  }
  curl_slist* first() const { return first_; }

 private:
  curl_slist* first_ = nullptr;
};

// What the callbacks fill.
struct Collector {
  ClientResponse response;
  size_t response_bytes_max = 0;
  size_t header_bytes = 0;
  bool too_large = false;
};

size_t on_body(char* data, size_t one, size_t size_bytes, void* context) {
  auto& collector = *static_cast<Collector*>(context);
  (void)one;  // always 1
  if (size_bytes > collector.response_bytes_max - collector.response.body.size()) {
    collector.too_large = true;
    return 0;
  }
  collector.response.body.append(data, size_bytes);
  return size_bytes;
}

size_t on_header(char* data, size_t one, size_t size_bytes, void* context) {
  auto& collector = *static_cast<Collector*>(context);
  (void)one;
  std::string_view line(data, size_bytes);
  collector.header_bytes += size_bytes;
  if (collector.header_bytes > kHeaderBytesMax) {
    collector.too_large = true;
    return 0;
  }
  if (line.starts_with("HTTP/"))
    collector.response.headers.clear();  // an interim answer came first
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size_bytes;
  std::string_view value = line.substr(colon + 1);
  while (value.ends_with('\n') || value.ends_with('\r')) value.remove_suffix(1);
  collector.response.headers.emplace_back(ascii_lower(line.substr(0, colon)), trim(value));
  return size_bytes;
}

bool has_control(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  }
  return false;
}

Result<void> check_request(const ClientRequest& request) {
  if (!request.target.starts_with('/')) return invalid_field("target", "must begin with '/'");
  for (const char c : request.target) {
    if (c <= ' ' || c > '~') return invalid_field("target", "must be percent-encoded");
  }
  if (request.method.empty() || has_control(request.method) ||
      request.method.find(' ') != std::string::npos) {
    return invalid_field("method", "must be a token");
  }
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || name.find(':') != std::string::npos || has_control(name) ||
        has_control(value)) {
      return invalid_field("headers", "must hold no control character");
    }
  }
  return {};
}

Error explain(CURLcode code, const Collector& collector, const std::string& where,
              const char* reason) {
  if (collector.too_large) {
    return Error(ErrorCode::request_malformed, "The answer of " + where + " is too large.");
  }
  const std::string why = reason[0] ? std::string(": ") + reason : std::string();
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return Error(ErrorCode::timed_out, "No answer from " + where + " in time.");
  }
  constexpr CURLcode kNotHttp[] = {CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL,
                                   CURLE_PARTIAL_FILE,       CURLE_GOT_NOTHING,
                                   CURLE_RECV_ERROR,         CURLE_SEND_ERROR};
  if (std::find(std::begin(kNotHttp), std::end(kNotHttp), code) != std::end(kNotHttp)) {
    return Error(ErrorCode::request_malformed, "Not a whole HTTP answer from " + where + why);
  }
  const char* const part = code == CURLE_PEER_FAILED_VERIFICATION ? "certificate"
                           : code == CURLE_SSL_CACERT_BADFILE     ? "ca_file"
                           : code == CURLE_SSL_CONNECT_ERROR      ? "tls"
                                                                  : "";
  return Error(ErrorCode::store_unavailable, "Cannot reach " + where + why, part);
}

}  // namespace

std::string ClientResponse::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

struct Client::State {
  ClientOptions options;
  CURL* handle = nullptr;
};

Client::Client(ClientOptions options) : state_(std::make_unique<State>()) {
  static std::once_flag initialized;  // libcurl's own global state has to be made exactly once
  std::call_once(initialized, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  state_->options = std::move(options);
  state_->handle = curl_easy_init();
}

Client::~Client() { curl_easy_cleanup(state_->handle); }

namespace {

// Everything about the transfer that does not depend on the request.
void set_transport(CURL* handle, const ClientOptions& options) {
  curl_easy_reset(handle);  // keeps the connection
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(handle, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
  curl_easy_setopt(handle, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  if (!options.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
  if (options.asks_certificate) curl_easy_setopt(handle, CURLOPT_CERTINFO, 1L);
  if (!options.unix_path.empty()) {
    curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, options.unix_path.c_str());
  }
}

void set_request(CURL* handle, const ClientRequest& request, const HeaderList& headers) {
  if (request.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else {
    if (!request.body.empty() || (request.method != "GET" && request.method != "DELETE")) {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.c_str());
    }
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.first());
}

// "Expire date:..." of the server's own certificate, which comes first; empty without TLS.
std::string certificate_end(CURL* handle) {
  constexpr std::string_view kField = "Expire date:";
  curl_certinfo* chain = nullptr;
  if (curl_easy_getinfo(handle, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == nullptr ||
      chain->num_of_certs < 1) {
    return "";
  }
  for (const curl_slist* item = chain->certinfo[0]; item != nullptr; item = item->next) {
    const std::string_view line = item->data;
    if (line.starts_with(kField)) return std::string(trim(line.substr(kField.size())));
  }
  return "";
}

}  // namespace

Result<ClientResponse> Client::send(const ClientRequest& request) {
  LK_CHECK(check_request(request));
  CURL* const handle = state_->handle;
  if (!handle) return Error(ErrorCode::internal, "libcurl could not be started");
  const ClientOptions& options = state_->options;

  HeaderList headers;
  for (const char* not_ours : {"Accept:", "Expect:", "Content-Type:", "User-Agent:"}) {
    const std::string_view name(not_ours, std::string_view(not_ours).size() - 1);
    bool given = false;
    for (const auto& header : request.headers)
      given |= ascii_equal_ignoring_case(header.first, name);
    if (!given) headers.add(not_ours);  // a name without a value stops libcurl from sending its own
  }
  for (const auto& [name, value] : request.headers) {
    headers.add(value.empty() ? name + ";" : name + ": " + value);
  }
  if (!request.authorization.empty()) {
    const std::string_view credential = request.authorization.reveal(RevealSecret{});
    if (has_control(credential)) return invalid_field("authorization", "must be one line");
    std::string line = "Authorization: ";
    line.reserve(line.size() + credential.size());  // so that no copy is left behind by growing
    line += credential;
    headers.add(line);
    wipe(line.data(), line.size());
  }

  Collector collector;
  collector.response_bytes_max = options.response_bytes_max;
  char reason[CURL_ERROR_SIZE] = "";
  const std::string url = options.base_url + request.target;
  set_transport(handle, options);
  set_request(handle, request, headers);
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &collector);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &collector);
  const CURLcode code = curl_easy_perform(handle);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (options.asks_certificate) collector.response.certificate_until = certificate_end(handle);
  curl_easy_reset(handle);  // the handle must not keep pointers into this frame
  if (code != CURLE_OK) {
    const std::string where = options.unix_path.empty() ? options.base_url : options.unix_path;
    return explain(code, collector, where, reason);
  }
  collector.response.status = static_cast<int>(status);
  return std::move(collector.response);
}

}  // namespace latchkey::http
