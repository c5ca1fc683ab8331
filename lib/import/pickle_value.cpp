#include "import/pickle.hpp"

#include "base/fail.hpp"
#include "import/numpy_elements.hpp"
#include "import/pickle_store.hpp"

#include <bit>

namespace petrify::inline v0 {
namespace pickle {
namespace {

template <class T>
std::optional<T> read_scalar(const numpy_dtype& dtype, std::span<const std::byte> bytes) {
  std::optional<T> out;
  detail::with_reader(dtype.kind, dtype.total_size(), dtype.swapped, [&](auto read) {
    if constexpr (detail::is_readable_as<T, decltype(read(nullptr))>)
      if (T number{}; detail::exact(read(bytes.data()), number))
        out = number;
  });
  return out;
}

} // namespace

const char* to_string(kind kind) noexcept {
  switch (kind) {
  case kind::none: return "none";
  case kind::boolean: return "boolean";
  case kind::integer: return "integer";
  case kind::big_integer: return "big integer";
  case kind::real: return "real";
  case kind::text: return "text";
  case kind::bytes: return "bytes";
  case kind::tuple: return "tuple";
  case kind::list: return "list";
  case kind::dict: return "dict";
  case kind::set: return "set";
  case kind::global: return "global";
  case kind::object: return "object";
  case kind::dtype: return "dtype";
  case kind::array: return "array";
  case kind::scalar: return "scalar";
  }
  return "unknown";
}

numpy_array store::array_of(const array_record& record) const {
  const auto dtype = dtype_of(record.dtype);
  auto shape = extents(record.shape, "shape of an array");
  const auto axes = extents(record.axes, "order of an array's axes");
  const auto order = record.column_major ? numpy_order::column_major : numpy_order::row_major;
  if (!dtype->has_objects())
    return make_numpy_array(dtype, std::move(shape), order, *bytes_of(record.data), axes);
  numpy_array array = make_numpy_array(dtype, std::move(shape), order, {}, axes);
  if (array.num_elements() != nodes[record.data].low)
    fail(errc::malformed, {}, "array of ", array.num_elements(), " objects has ", nodes[record.data].low, " of them");
  return array;
}

kind value::kind() const noexcept { return store_->nodes[id_].kind; }

std::string value::describe() const {
  switch (kind()) {
  case kind::object:
  case kind::global: return text(to_string(kind()), ' ', quoted(class_name(), 200));
  case kind::dtype:
  case kind::array:
  case kind::scalar: {
    const auto type = dtype();
    return text(to_string(kind()), " of ", type ? petrify::describe(*type) : "unknown type");
  }
  default: return to_string(kind());
  }
}

std::optional<bool> value::as_bool() const noexcept {
  const node& item = store_->nodes[id_];
  if (item.kind == kind::boolean)
    return item.word != 0;
  if (item.kind == kind::scalar && dtype()->kind == 'b' && !as_bytes()->empty())
    return (*as_bytes())[0] != std::byte{0};
  return std::nullopt;
}

std::optional<std::int64_t> value::as_int() const noexcept {
  if (kind() == kind::scalar)
    return read_scalar<std::int64_t>(*dtype(), *as_bytes());
  return store_->int_of(id_);
}

std::optional<double> value::as_real() const noexcept {
  const node& item = store_->nodes[id_];
  if (item.kind == kind::real)
    return std::bit_cast<double>(item.word);
  if (item.kind == kind::scalar)
    return read_scalar<double>(*dtype(), *as_bytes());
  double number = 0;
  if (const auto integer = store_->int_of(id_); integer && detail::exact(*integer, number))
    return number;
  return std::nullopt;
}

std::optional<std::string_view> value::as_text() const noexcept { return store_->text_of(id_); }

std::optional<std::span<const std::byte>> value::as_bytes() const noexcept {
  const node& item = store_->nodes[id_];
  if (item.kind == kind::big_integer)
    return store_->bytes(item);
  return store_->bytes_of(item.kind == kind::scalar ? static_cast<ref>(item.word) : id_);
}

namespace {

// The node that holds a value's elements, or null.
const node* elements_of(const store& values, ref id) noexcept {
  const node& item = values.nodes[id];
  switch (item.kind) {
  case kind::tuple:
  case kind::list:
  case kind::set:
  case kind::dict: return &item;
  case kind::array: {
    const node& data = values.nodes[values.arrays[item.low].data];
    return data.kind == kind::tuple ? &data : nullptr;
  }
  default: return nullptr;
  }
}

} // namespace

std::size_t value::size() const noexcept {
  const node* elements = elements_of(*store_, id_);
  return elements == nullptr ? 0 : elements->kind == kind::dict ? elements->low / 2 : elements->low;
}

value value::operator[](std::size_t i) const {
  if (i >= size())
    fail(errc::invalid_argument, {}, to_string(kind()), " of ", size(), " values has no value ", i);
  const node* elements = elements_of(*store_, id_);
  return {*store_, store_->items(*elements)[elements->kind == kind::dict ? 2 * i + 1 : i]};
}

value value::key(std::size_t i) const {
  if (kind() != kind::dict || i >= size())
    fail(errc::invalid_argument, {}, to_string(kind()), " of ", size(), " values has no key ", i);
  return {*store_, store_->items(store_->nodes[id_])[2 * i]};
}

std::optional<value> value::find(std::string_view text) const noexcept {
  const ref* found = store_->find(id_, text);
  return found == nullptr ? std::nullopt : std::optional(value(*store_, *found));
}

std::string_view value::class_name() const noexcept {
  const node* item = &store_->nodes[id_];
  if (item->kind == kind::object)
    item = &store_->nodes[store_->objects[item->low].made_by];
  else if (item->kind == kind::array)
    item = &store_->nodes[store_->arrays[item->low].made_by];
  return item->kind == kind::global ? store_->text(*item) : std::string_view();
}

value value::args() const noexcept {
  const node& item = store_->nodes[id_];
  return {*store_, item.kind == kind::object ? store_->objects[item.low].args : empty_tuple_ref};
}

value value::kwargs() const noexcept {
  const node& item = store_->nodes[id_];
  return {*store_, item.kind == kind::object ? store_->objects[item.low].kwargs : none_ref};
}

value value::state() const noexcept {
  const node& item = store_->nodes[id_];
  return {*store_, item.kind == kind::object ? store_->objects[item.low].state : none_ref};
}

value value::items() const noexcept {
  const node& item = store_->nodes[id_];
  return {*store_, item.kind == kind::object ? store_->objects[item.low].items : empty_list_ref};
}

value value::entries() const noexcept {
  const node& item = store_->nodes[id_];
  return {*store_, item.kind == kind::object ? store_->objects[item.low].entries : empty_dict_ref};
}

std::optional<value> value::attr(std::string_view name) const noexcept {
  const value own = state();
  if (own.is(kind::dict))
    return own.find(name);
  if (!own.is(kind::tuple) || own.size() != 2)
    return std::nullopt;
  const auto halves = store_->items(store_->nodes[own.id_]);
  if (const auto slot = value(*store_, halves[1]).find(name))
    return slot;
  return value(*store_, halves[0]).find(name);
}

std::shared_ptr<const numpy_dtype> value::dtype() const noexcept {
  const node& item = store_->nodes[id_];
  switch (item.kind) {
  case kind::dtype: return store_->dtype_of(id_);
  case kind::array: return store_->dtype_of(store_->arrays[item.low].dtype);
  case kind::scalar: return store_->dtype_of(item.low);
  default: return nullptr;
  }
}

std::optional<numpy_array> value::as_array() const {
  const node& item = store_->nodes[id_];
  if (item.kind != kind::array || store_->arrays[item.low].dtype == none_ref)
    return std::nullopt;
  return store_->array_of(store_->arrays[item.low]);
}

std::vector<std::string> to_strings(const value& values) {
  if (const auto array = values.as_array(); array && !array->dtype->has_objects())
    return petrify::to_strings(*array);
  const kind container = values.kind();
  if (container != kind::array && container != kind::list && container != kind::tuple && container != kind::set)
    fail(errc::wrong_type, {}, values.describe(), ", expected texts");
  std::vector<std::string> out;
  out.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto item = values[i].as_text();
    if (!item)
      fail(errc::wrong_type, text("element ", i), values[i].describe(), ", expected text");
    out.emplace_back(*item);
  }
  return out;
}

walk::step walk::enter() {
  if (depth_ == 0)
    fail(errc::limit_exceeded, {}, "values are nested too deep, or contain themselves");
  if (steps_ == 0)
    fail(errc::limit_exceeded, {}, "values are shared so often that nobody could visit them all");
  --depth_;
  --steps_;
  return step(*this);
}

} // namespace pickle
} // namespace petrify::inline v0
