// Files of other libraries brought into petrify files of a test's own.
#pragma once

#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/import.hpp>
#include <petrify/writer.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace petrify::test {

// What import makes of a file, which verify has nothing against.
inline file imported(const temp_dir& dir, const std::string& path, const import_options& options = {}) {
  const std::string target = dir.path("imported.stone");
  writer out(target);
  import_file(path, out, options);
  out.commit();
  file made = file::open(target);
  CHECK(made.verify().empty());
  return made;
}

// Imports bytes into a file that is not committed.
inline void import_only(const temp_dir& dir, std::span<const std::byte> from, const import_options& options = {}) {
  writer out(dir.path("refused.stone"));
  import_bytes(from, out, options);
}

// Place and message with which a file is refused as errc::not_importable, under its own path.
inline std::string refusal(const temp_dir& dir, const std::string& path) {
  const auto failure = error_of([&] { imported(dir, path); });
  REQUIRE(failure);
  CHECK(failure->code() == errc::not_importable);
  CHECK(failure->path() == path);
  return (failure->where().empty() ? "" : failure->where() + ": ") + failure->message();
}

} // namespace petrify::test
