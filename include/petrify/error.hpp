// petrify::error: the one exception of the library.
//
// Every failure of a door (open, add, commit, import, ...) is an error, but for memory that is not to be had, which is
// std::bad_alloc as everywhere. The hot path (predictor, views) cannot fail. The library never prints, logs or aborts
// (debug builds assert the number of indices of array_view::operator()).
#pragma once

#include <petrify/version.hpp>

#include <exception>
#include <string>
#include <string_view>

namespace petrify::inline v0 {

// What kind of thing went wrong. The message says what exactly.
enum class errc {
  io,               // the operating system said no; the message has its words
  not_regular,      // a directory, FIFO, socket or device where a file was expected
  not_petrify,      // the bytes are no petrify file; the message says what they look like
  truncated,        // the file ends before its own header or directory says it does
  corrupt,          // a checksum or a padding byte is wrong
  malformed,        // well-formed bytes that break a rule of docs/format.md
  unsupported,      // a format version, feature or object that this version of petrify does not know
  limit_exceeded,   // larger than `limits` allows
  not_found,        // no object of that name
  wrong_type,       // the object exists, but is of another kind, element type or shape
  invalid_argument, // the caller's values are wrong (builder, writer)
  not_importable,   // another library's file that petrify cannot turn into a forest or array
};

// Short lower-case name of a code, for programs that log it ("truncated").
const char* to_string(errc code) noexcept;

// What failed, where: `path: place: what was seen, expected what`.
//
// Thread safety: like any value. Copying shares nothing with the library.
class error : public std::exception {
public:
  // `where` and `path` may be empty; what() leaves an empty part out.
  error(errc code, std::string path, std::string where, std::string message);
  error(const error&) = default;
  error& operator=(const error&) = default;
  ~error() override;

  const char* what() const noexcept override { return what_.c_str(); }

  errc code() const noexcept { return code_; }
  // The file that was read or written; "memory" or "descriptor 3" where one was opened that way; may be empty.
  const std::string& path() const noexcept { return path_; }
  // The place inside it ("object \"model\" tree 17 node 3"); may be empty.
  const std::string& where() const noexcept { return where_; }
  // What was seen and what was expected.
  const std::string& message() const noexcept { return message_; }

  // The same error, told of `path` if it did not know its path yet, and with `outer` put before its place.
  error at(std::string_view path, std::string_view outer = {}) const;

private:
  errc code_;
  std::string path_;
  std::string where_;
  std::string message_;
  std::string what_;
};

namespace detail {
// Throws `failure`: for headers, which compile without exceptions.
[[noreturn]] void raise(const error& failure);
} // namespace detail

} // namespace petrify::inline v0
