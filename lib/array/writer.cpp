#include <petrify/writer.hpp>

#include "array/array_object.hpp"
#include "array/writer_state.hpp"
#include "base/checked.hpp"
#include "base/fail.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace petrify::inline v0 {

void writer::state::require_idle() const {
  if (done)
    throw error(errc::invalid_argument, out.path(), "writer", "was committed already, expected a new writer");
  if (has_failed)
    throw error(errc::invalid_argument, out.path(), "writer", "could not be committed, expected a new writer");
  if (streaming)
    throw error(errc::invalid_argument, out.path(), text("stream ", quoted(stream_name)),
                "is still open, expected finish() before anything else is written");
}

void writer::state::require_whole() const {
  for (const auto& one : planned) {
    if (one->segment.has_failed())
      throw error(errc::invalid_argument, out.path(), text("object ", quoted(one->name)),
                  "could not be written whole, expected a new writer");
    if (const auto gap = one->segment.first_gap())
      throw error(errc::invalid_argument, out.path(), text("object ", quoted(one->name)),
                  text("elements ", gap->offset / one->item_size, " to ", (gap->offset + gap->size) / one->item_size,
                       " were not written, expected all ", one->size()));
  }
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

void writer::add_places(std::string_view name, dtype type, const std::byte* data, const extents& places) {
  for (const axis_order order : {axis_order::row_major, axis_order::column_major})
    if (places.is_gapless(order))
      return add_bytes(name, type, 0, {data, static_cast<std::size_t>(places.size() * size_bytes(type))},
                       places.shape(), order);
  state_->require_idle();
  const std::size_t item_size = size_bytes(type);
  constexpr std::size_t buffer_bytes = std::size_t{1} << 20;
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(buffer_bytes);
  container_writer& out = state_->out;
  out.begin_object(name);
  out.begin_segment();
  const std::uint64_t at_once = buffer_bytes / item_size;
  for (std::uint64_t first = 0; first < places.size(); first += at_once) {
    const std::uint64_t count = std::min(at_once, places.size() - first);
    const std::span<std::byte> piece(buffer.get(), count * item_size);
    places.gather(data, item_size, first, piece);
    out.append(piece);
  }
  out.end_segment();
  out.end_object(array_description{type, axis_order::row_major, places.shape(), 0});
}

planned_elements& writer::plan_bytes(std::string_view name, dtype type, std::span<const std::uint64_t> shape,
                                     axis_order order) {
  state_->require_idle();
  container_writer& out = state_->out;
  const std::uint64_t item_size = size_bytes(type);
  const auto count = checked_product(shape);
  const auto size = count ? checked_mul(*count, item_size) : std::nullopt;
  try {
    check_elements(type, 0, size.value_or(0), shape);
  } catch (const error& failure) {
    throw failure.at(out.path(), text("object ", quoted(name)));
  }
  out.begin_object(name);
  planned_segment& segment = out.plan_segment(*size);
  // Before the object ends: a plan that nobody can fill would be committed.
  std::unique_ptr<planned_elements> elements(new planned_elements{out.path(), std::string(name), item_size, segment});
  state_->planned.push_back(std::move(elements));
  out.end_object(array_description{type, canonical_order(order, shape), shape, 0});
  return *state_->planned.back();
}

void write_planned(planned_elements& to, std::uint64_t first, std::span<const std::byte> bytes) {
  const std::uint64_t count = bytes.size() / to.item_size;
  const auto refuse = [&](const auto&... pieces) {
    throw error(errc::invalid_argument, to.path, text("object ", quoted(to.name)), text(pieces...));
  };
  if (first > to.size() || count > to.size() - first)
    refuse("elements ", first, " to ", first, " + ", count, " written, expected at most ", to.size());
  const std::uint64_t begin = first * to.item_size;
  if (const auto twice = to.segment.take(begin, begin + bytes.size()))
    refuse("element ", *twice / to.item_size, " is written a second time, expected each once");
  to.segment.fill(begin, bytes);
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
  if (state_->stream_whole && bytes.size() > state_->stream_expected - state_->stream_bytes)
    throw error(errc::invalid_argument, state_->out.path(), text("stream ", quoted(state_->stream_name)),
                text(state_->stream_bytes, " + ", bytes.size(), " bytes, expected ", state_->stream_expected,
                     " for the shape"));
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

void writer::commit(durability wanted) {
  if (state_->is_stores)
    throw error(errc::invalid_argument, state_->out.path(), "writer",
                "is a store's, expected store::publish to commit it");
  state_->require_idle();
  state_->require_whole();
  state_->has_failed = true;
  state_->out.commit(wanted);
  state_->has_failed = false;
  state_->done = true;
}

} // namespace petrify::inline v0
