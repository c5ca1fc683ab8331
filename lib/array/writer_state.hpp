// What a petrify::writer holds; the forest room adds forests through it.
#pragma once

#include "container/container_writer.hpp"

#include <petrify/writer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace petrify::inline v0 {

// An array that is filled until commit().
struct planned_elements {
  std::string path;
  std::string name;
  std::uint64_t item_size;
  planned_segment& segment;

  std::uint64_t size() const noexcept { return segment.size_bytes() / item_size; }
};

struct writer::state {
  explicit state(std::string path) : out(std::move(path)) {}

  container_writer out;
  bool done = false;
  bool has_failed = false; // commit has thrown
  bool is_stores = false;  // store::publish commits it, nobody else
  // An open array_stream or byte_stream.
  bool streaming = false;
  std::string stream_name;
  dtype stream_type = dtype::none;
  std::vector<std::uint64_t> stream_row;
  std::uint64_t stream_row_bytes = 0;
  std::uint64_t stream_bytes = 0;
  std::vector<std::unique_ptr<planned_elements>> planned;
  // Of a byte_stream: its description, whose shape borrows stream_row, and the bytes that it must have.
  std::optional<array_description> stream_whole;
  std::uint64_t stream_expected = 0;

  // Throws errc::invalid_argument when the writer cannot take another object now.
  void require_idle() const;
  // Throws errc::invalid_argument when a planned array has a gap.
  void require_whole() const;
};

} // namespace petrify::inline v0
