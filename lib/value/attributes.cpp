// What is said of an object beside its content: a dict with texts as keys, in the directory.
#include "array/writer_state.hpp"
#include "base/attempt.hpp"
#include "base/fail.hpp"
#include "value/value_content.hpp"
#include "value/value_object.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include <cstring>
#include <vector>

namespace petrify::inline v0 {

namespace {

constexpr std::size_t numbers_a_node = sizeof(value_node) / sizeof(std::uint64_t);
constexpr value_node empty_dict{static_cast<std::uint32_t>(value_kind::dict), 0, 0};

// Of a table that check_values has seen.
void require_text_keys(errc code, const value_table& table) {
  const value_view whole(table, 0);
  if (whole.kind() != value_kind::dict)
    fail(code, {}, "attributes are of kind ", to_string(whole.kind()), ", expected a dict");
  for (const auto& [key, value] : whole.entries())
    if (key.kind() != value_kind::text)
      fail(code, {}, "attributes have a key that is of kind ", to_string(key.kind()), ", expected texts");
}

value_table checked_attributes(const container& from, std::size_t index) {
  const directory& contents = from.contents();
  try {
    const attribute_description stored = contents.describe_attributes(index);
    if (stored.nodes.size() % numbers_a_node != 0)
      fail(errc::malformed, {}, "nodes of ", stored.nodes.size(), " numbers, expected ", numbers_a_node, " a node");
    if (stored.nodes.empty() && stored.bytes.empty())
      return {{&empty_dict, 1}, {}};
    const value_table table{
        {reinterpret_cast<const value_node*>(stored.nodes.data()), stored.nodes.size() / numbers_a_node}, stored.bytes};
    check_values(table);
    require_text_keys(errc::malformed, table);
    return table;
  } catch (const error& failure) {
    throw failure.at(from.path(), text("object ", quoted(contents.objects()[index].name), " attributes"));
  }
}

} // namespace

void verify_attributes(const container& from, std::size_t index, std::vector<error>& faults) {
  try {
    (void)checked_attributes(from, index);
  } catch (const error& failure) {
    faults.push_back(failure);
  }
}

value_view file::attributes(std::string_view name) const& {
  const std::size_t index = container_->find(name);
  const value_table& table = container_->decoded_attributes<value_table>(
      index, [&] { return std::make_shared<const value_table>(checked_attributes(*container_, index)); });
  return {table, 0};
}

std::optional<value_view> file::try_attributes(std::string_view name, std::optional<error>& why) const& noexcept {
  return attempt(why, [&] { return attributes(name); });
}

void writer::set_attributes(std::string_view name, const value_builder& attributes) {
  state_->require_idle();
  container_writer& out = state_->out;
  const value_builder::state& built = *attributes.state_;
  try {
    if (built.nodes.empty() || !built.open.empty())
      fail(errc::invalid_argument, {},
           built.nodes.empty() ? "an empty builder, expected a dict" : "a list or dict was not ended");
    const value_table table{built.nodes, built.bytes};
    require_text_keys(errc::invalid_argument, table);
    if (const std::uint64_t size = attributes.size_bytes(); size > max_attribute_bytes)
      fail(errc::limit_exceeded, {}, "attributes of ", size, " bytes, expected at most ", max_attribute_bytes);
  } catch (const error& failure) {
    throw failure.at(out.path(), text("object ", quoted(name)));
  }
  // An empty dict is what an object has that has no attributes.
  std::vector<std::uint64_t> numbers;
  if (built.nodes.size() != 1) {
    numbers.resize(built.nodes.size() * numbers_a_node);
    std::memcpy(numbers.data(), built.nodes.data(), built.nodes.size() * sizeof(value_node));
  }
  out.set_attributes(name, {numbers, built.bytes});
}

} // namespace petrify::inline v0
