#include "value/value_object.hpp"

#include "array/writer_state.hpp"
#include "base/attempt.hpp"
#include "base/fail.hpp"
#include "value/value_content.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

namespace petrify::inline v0 {

namespace {

std::string place_of(const container& from, std::size_t index) {
  return text("object ", quoted(from.contents().objects()[index].name));
}

void require_segments(const container& from, std::size_t index, std::uint32_t expected) {
  const std::uint32_t owned = from.contents().objects()[index].num_segments;
  if (owned != expected)
    throw error(errc::malformed, from.path(), place_of(from, index), text(owned, " segments, expected ", expected));
}

void check(const container& from, std::size_t index, const value_table& table) {
  try {
    check_values(table);
  } catch (const error& failure) {
    throw failure.at(from.path(), place_of(from, index));
  }
}

} // namespace

value_table value_table_of(const container& from, std::size_t index) {
  require_segments(from, index, 2);
  const std::uint32_t first = from.contents().objects()[index].first_segment;
  const auto nodes = from.segment(first);
  if (nodes.size() % sizeof(value_node) != 0)
    throw error(errc::malformed, from.path(), place_of(from, index),
                text("nodes of ", nodes.size(), " bytes, expected a multiple of ", sizeof(value_node)));
  return {{reinterpret_cast<const value_node*>(nodes.data()), nodes.size() / sizeof(value_node)},
          from.segment(first + 1)};
}

std::span<const std::byte> record_of(const container& from, std::size_t index) {
  require_segments(from, index, 1);
  const auto bytes = from.segment(from.contents().objects()[index].first_segment);
  if (bytes.size() < min_record_bytes || bytes.size() > max_record_bytes)
    throw error(errc::malformed, from.path(), place_of(from, index),
                text("record of ", bytes.size(), " bytes, expected ", min_record_bytes, " to ", max_record_bytes));
  return bytes;
}

void verify_value(const container& from, std::size_t index, std::vector<error>& faults) {
  try {
    check(from, index, value_table_of(from, index));
  } catch (const error& failure) {
    faults.push_back(failure);
  }
}

void verify_record(const container& from, std::size_t index, std::vector<error>& faults) {
  try {
    (void)record_of(from, index);
  } catch (const error& failure) {
    faults.push_back(failure);
  }
}

value_view file::value(std::string_view name) const& {
  const std::size_t index = container_->find(name, object_kind::value);
  const value_table& table = container_->decoded<value_table>(
      index, [&] { return std::make_shared<const value_table>(value_table_of(*container_, index)); });
  container_->check_once(index, [&] { check(*container_, index, table); });
  return {table, 0};
}

std::optional<value_view> file::try_value(std::string_view name, std::optional<error>& why) const& noexcept {
  return attempt(why, [&] { return value(name); });
}

std::span<const std::byte> file::record_bytes(std::string_view name) const& {
  return record_of(*container_, container_->find(name, object_kind::record));
}

void writer::add(std::string_view name, const value_builder& value) {
  state_->require_idle();
  const value_builder::state& built = *value.state_;
  if (built.nodes.empty() || !built.open.empty())
    throw error(errc::invalid_argument, state_->out.path(), text("object ", quoted(name)),
                built.nodes.empty() ? "an empty builder, expected a value" : "a list or dict was not ended");
  container_writer& out = state_->out;
  out.begin_object(name);
  out.add_segment(std::as_bytes(std::span(built.nodes)));
  out.add_segment(built.bytes);
  out.end_object(value_description{});
}

void writer::add_record_bytes(std::string_view name, std::span<const std::byte> finished) {
  state_->require_idle();
  container_writer& out = state_->out;
  if (finished.size() < min_record_bytes || finished.size() > max_record_bytes)
    throw error(errc::invalid_argument, out.path(), text("object ", quoted(name)),
                text("record of ", finished.size(), " bytes, expected ", min_record_bytes, " to ", max_record_bytes));
  out.begin_object(name);
  out.add_segment(finished);
  out.end_object(record_description{});
}

} // namespace petrify::inline v0
