// A request made by hand. For tests.
//
// Thread safety: immutable after construction.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "http/message.h"

namespace latchkey::gate {

class TestRequest final : public http::Request {
 public:
  // The header values are borrowed.
  TestRequest(std::string method, std::string path, std::string query,
              std::vector<http::Header> headers)
      : method_(std::move(method)),
        path_(std::move(path)),
        query_(std::move(query)),
        headers_(std::move(headers)) {}

  std::string_view method() const override { return method_; }
  std::string_view path() const override { return path_; }
  std::string_view query() const override { return query_; }
  std::span<const http::Header> headers() const override { return headers_; }
  std::string_view body() const override { return {}; }
  std::string_view peer_address() const override { return "127.0.0.1"; }
  std::string_view request_id() const override { return "00000000-0000-4000-8000-000000000000"; }

 private:
  std::string method_;
  std::string path_;
  std::string query_;
  std::vector<http::Header> headers_;
};

}  // namespace latchkey::gate
