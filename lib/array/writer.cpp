#include <petrify/writer.hpp>

#include "array/array_object.hpp"
#include "array/writer_state.hpp"
#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/utf8.hpp"

namespace petrify::inline v0 {

void writer::state::require_idle() const {
  if (done)
    throw error(errc::invalid_argument, out.path(), "writer", "was committed already, expected a new writer");
  if (streaming)
    throw error(errc::invalid_argument, out.path(), text("stream ", quoted(stream_name)),
                "is still open, expected finish() before anything else is written");
}

writer::writer(std::string path) : state_(std::make_unique<state>(std::move(path))) {}
writer::writer(writer&&) noexcept = default;
writer& writer::operator=(writer&&) noexcept = default;
writer::~writer() = default;

void writer::on_progress(std::function<void(std::uint64_t written)> progress) {
  state_->out.on_progress(std::move(progress));
}

void writer::add_bytes(std::string_view name, dtype type, std::uint32_t item_size, std::span<const std::byte> elements,
                       std::span<const std::uint64_t> shape, axis_order order) {
  state_->require_idle();
  container_writer& out = state_->out;
  try {
    if (type == dtype::string)
      fail(errc::invalid_argument, {}, "strings given as bytes, expected add_strings");
    check_elements(type, item_size, elements.size(), shape);
  } catch (const error& failure) {
    throw failure.at(out.path(), text("object ", quoted(name)));
  }
  out.begin_object(name);
  out.add_segment(elements);
  out.end_object(array_description{type, canonical_order(order, shape), shape, item_size});
}

void writer::add_strings(std::string_view name, std::span<const std::string_view> texts,
                         std::span<const std::uint64_t> shape) {
  state_->require_idle();
  container_writer& out = state_->out;
  std::vector<std::uint64_t> ends;
  ends.reserve(texts.size());
  std::uint64_t end = 0;
  try {
    for (const std::string_view text_i : texts) {
      if (!is_utf8(text_i))
        fail(errc::invalid_argument, text("string ", ends.size()), quoted(text_i), " is not valid UTF-8");
      ends.push_back(end += text_i.size());
    }
    check_elements(dtype::string, 0, ends.size() * sizeof(std::uint64_t), shape);
  } catch (const error& failure) {
    throw failure.at(out.path(), text("object ", quoted(name)));
  }
  out.begin_object(name);
  out.add_segment(std::as_bytes(std::span(ends)));
  out.begin_segment();
  for (const std::string_view text_i : texts)
    out.append(std::as_bytes(std::span(text_i)));
  out.end_segment();
  out.end_object(array_description{dtype::string, axis_order::row_major, shape, 0});
}

void writer::add(std::string_view name, const any_array& array) {
  if (array.type() != dtype::string)
    return add_bytes(name, array.type(),
                     array.type() == dtype::fixed_bytes ? static_cast<std::uint32_t>(array.item_size_bytes()) : 0,
                     array.bytes(), array.shape(), array.order());
  const string_array strings = array.strings();
  std::vector<std::string_view> texts;
  texts.reserve(strings.size());
  for (std::uint64_t i = 0; i < strings.size(); ++i)
    texts.push_back(strings[i]);
  add_strings(name, texts, strings.shape());
}

void writer::begin_stream(std::string_view name, dtype type, std::span<const std::uint64_t> row_shape) {
  state_->require_idle();
  std::vector<std::uint64_t> row(row_shape.begin(), row_shape.end());
  row.push_back(size_bytes(type));
  const auto row_bytes = checked_product(row);
  if (row_shape.size() >= max_rank || !row_bytes || *row_bytes == 0)
    throw error(errc::invalid_argument, state_->out.path(), text("object ", quoted(name)),
                "rows of no element or too many, expected 1 to 2^63 - 1 bytes and at most 31 axes");
  state_->out.begin_object(name);
  state_->out.begin_segment();
  state_->streaming = true;
  state_->stream_name = name;
  state_->stream_type = type;
  state_->stream_row.assign(row_shape.begin(), row_shape.end());
  state_->stream_row_bytes = *row_bytes;
  state_->stream_bytes = 0;
}

byte_stream writer::stream_bytes(std::string_view name, dtype type, std::uint32_t item_size,
                                 std::span<const std::uint64_t> shape, axis_order order) {
  state_->require_idle();
  std::uint64_t size = 0;
  try {
    if (type == dtype::string)
      fail(errc::invalid_argument, {}, "strings given as bytes, expected add_strings");
    std::vector<std::uint64_t> factors(shape.begin(), shape.end());
    factors.push_back(type == dtype::fixed_bytes ? item_size : size_bytes(type));
    size = checked_product(factors).value_or(0);
    check_elements(type, item_size, size, shape);
  } catch (const error& failure) {
    throw failure.at(state_->out.path(), text("object ", quoted(name)));
  }
  state_->out.begin_object(name);
  state_->out.begin_segment();
  state_->streaming = true;
  state_->stream_name = name;
  state_->stream_row.assign(shape.begin(), shape.end());
  state_->stream_whole = array_description{type, canonical_order(order, shape), state_->stream_row, item_size};
  state_->stream_expected = size;
  state_->stream_bytes = 0;
  return byte_stream(*this);
}

void writer::append_stream(std::span<const std::byte> bytes) {
  if (!state_->streaming)
    throw error(errc::invalid_argument, state_->out.path(), "stream", "was finished already");
  state_->out.append(bytes);
  state_->stream_bytes += bytes.size();
}

void writer::finish_stream() {
  append_stream({});
  if (state_->stream_whole) {
    if (state_->stream_bytes != state_->stream_expected)
      throw error(errc::invalid_argument, state_->out.path(), text("stream ", quoted(state_->stream_name)),
                  text(state_->stream_bytes, " bytes, expected ", state_->stream_expected, " for the shape"));
    state_->out.end_segment();
    state_->out.end_object(*state_->stream_whole);
    state_->stream_whole.reset();
    state_->streaming = false;
    return;
  }
  if (state_->stream_bytes % state_->stream_row_bytes != 0)
    throw error(
        errc::invalid_argument, state_->out.path(), text("stream ", quoted(state_->stream_name)),
        text("ends inside a row: ", state_->stream_bytes, " bytes, expected a multiple of ", state_->stream_row_bytes));
  state_->out.end_segment();
  std::vector<std::uint64_t> shape{state_->stream_bytes / state_->stream_row_bytes};
  shape.insert(shape.end(), state_->stream_row.begin(), state_->stream_row.end());
  state_->out.end_object(array_description{state_->stream_type, axis_order::row_major, shape, 0});
  state_->streaming = false;
}

void writer::commit() {
  state_->require_idle();
  state_->done = true;
  state_->out.commit();
}

} // namespace petrify::inline v0
