#include <petrify/error.hpp>

#include <utility>

namespace petrify::inline v0 {

const char* to_string(errc code) noexcept {
  switch (code) {
  case errc::io: return "io";
  case errc::not_regular: return "not_regular";
  case errc::not_petrify: return "not_petrify";
  case errc::truncated: return "truncated";
  case errc::corrupt: return "corrupt";
  case errc::malformed: return "malformed";
  case errc::unsupported: return "unsupported";
  case errc::limit_exceeded: return "limit_exceeded";
  case errc::not_found: return "not_found";
  case errc::wrong_type: return "wrong_type";
  case errc::invalid_argument: return "invalid_argument";
  case errc::not_importable: return "not_importable";
  }
  return "unknown";
}

error::error(errc code, std::string path, std::string where, std::string message)
    : code_(code), path_(std::move(path)), where_(std::move(where)), message_(std::move(message)) {
  for (const std::string* part : {&path_, &where_})
    if (!part->empty())
      what_ += *part + ": ";
  what_ += message_;
}

error::~error() = default;

error error::at(std::string_view path, std::string_view outer) const {
  std::string where(outer);
  if (!where.empty() && !where_.empty())
    where += ' ';
  where += where_;
  return {code_, path_.empty() ? std::string(path) : path_, std::move(where), message_};
}

void detail::raise(const error& failure) { throw failure; }

} // namespace petrify::inline v0
