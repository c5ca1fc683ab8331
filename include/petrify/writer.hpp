// writer: makes a petrify file. Objects are added one by one and stream to the disk; commit() makes them appear.
#pragma once

#include <petrify/array.hpp>
#include <petrify/durability.hpp>
#include <petrify/error.hpp>

#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace petrify::inline v0 {

class forest_model;
class value_builder;
template <element T>
class array_stream;
template <element T>
class planned_array;
struct planned_elements;
class byte_stream;

// How another library's arrays are added: specialise it with `static void add(writer&, std::string_view, const A&)`.
// petrify/xtensor.hpp does so for xtensor's expressions.
template <class A>
struct array_adapter;

// Ranges that are lists of values. A range that has a shape() is a matrix or more, and would lose its axes.
template <class R>
concept flat_range = std::ranges::sized_range<const R> && !requires(const R& range) {
  range.shape();
};

// Writes `path` anew (a symbolic link is replaced itself; the new file's mode is 0666 without the umask). At every
// moment `path` is what was there before or the new file, whole, also after a kill, a full disk or a power cut; when
// commit() has returned, it is the new one for good. Who has the old file open or mapped keeps it unchanged.
//
// The work is done in a temporary file beside it, `.NAME.RANDOM.petrify-tmp`. Without commit(), and after an error of
// the system (errc::io), nothing remains of it; what a writer that was killed left, the next writer of the same path
// removes. Several writers of one path, in any processes, do not disturb each other: the last commit() wins. (On file
// systems without flock(2), leftovers of killed writers stay.)
//
// An add that is refused for its arguments changes nothing; one that fails half-way makes commit() fail too. A writer
// that was moved from may only be assigned or destroyed; one that was copied by fork() only destroyed in the child.
//
// Names are UTF-8, 1 to 1024 bytes, each used once. Memory does not grow with arrays of numbers; texts need 24 bytes
// each. Thread safety: one thread at a time, but for planned arrays. Canonical: the same calls give the same bytes.
class writer {
public:
  // Throws: errc::io, also when the folder does not exist or may not be read and written; errc::not_regular when path
  // exists and is no regular file.
  explicit writer(std::string path);
  writer(writer&&) noexcept;
  writer& operator=(writer&&) noexcept;
  ~writer();

  // Has `progress` called now and then, from the writing thread, with the bytes of the current array (or of the current
  // table of a forest) that are written. Empty: no longer.
  void on_progress(std::function<void(std::uint64_t written)> progress);

  // A gapless array of any rank. `values` in `order`; their number is the product of `shape`.
  // Throws: errc::invalid_argument for a bad name or shape; errc::io.
  template <element T>
  void add(std::string_view name, std::span<const T> values, std::span<const std::uint64_t> shape,
           axis_order order = axis_order::row_major) {
    add_bytes(name, dtype_of<T>, 0, std::as_bytes(values), shape, order);
  }
  template <element T>
  void add(std::string_view name, std::span<const T> values, std::initializer_list<std::uint64_t> shape,
           axis_order order = axis_order::row_major) {
    add(name, values, std::span<const std::uint64_t>(shape.begin(), shape.size()), order);
  }
  // A vector, span or other contiguous range of elements: an array of rank 1.
  template <std::ranges::contiguous_range R>
  requires(flat_range<R>&& element<std::ranges::range_value_t<R>>) void add(std::string_view name, const R& values) {
    using value = std::remove_const_t<std::ranges::range_value_t<R>>;
    add<value>(name, std::span<const value>(std::ranges::data(values), std::ranges::size(values)),
               {static_cast<std::uint64_t>(std::ranges::size(values))});
  }
  // Texts, as an array of rank 1. Throws also: errc::invalid_argument for text that is not valid UTF-8.
  template <flat_range R>
  requires std::convertible_to<std::ranges::range_reference_t<const R>, std::string_view>
  void add(std::string_view name, const R& texts) {
    std::vector<std::string_view> views;
    views.reserve(std::ranges::size(texts));
    for (const auto& text : texts)
      views.emplace_back(text);
    const std::uint64_t length = views.size();
    add_strings(name, views, {&length, 1});
  }
  // Texts in row-major order, as an array of any rank.
  void add_strings(std::string_view name, std::span<const std::string_view> texts,
                   std::span<const std::uint64_t> shape);
  // Items of `item_size` bytes each, one after the other.
  void add_fixed_bytes(std::string_view name, std::uint32_t item_size, std::span<const std::byte> items,
                       std::span<const std::uint64_t> shape, axis_order order = axis_order::row_major) {
    add_bytes(name, dtype::fixed_bytes, item_size, items, shape, order);
  }
  // An array of another file.
  void add(std::string_view name, const any_array& array);
  // A view, of a part of an array too: gapless ones in their own order, others in row-major order. Cost: one pass, no
  // copy of the whole.
  template <element T>
  void add(std::string_view name, const array_view<T>& array) {
    add_places(name, dtype_of<T>, reinterpret_cast<const std::byte*>(array.data()), array.places());
  }
  // An array of any type, its elements' bytes in `order`. `item_size` is the size of fixed_bytes, else 0.
  void add_bytes(std::string_view name, dtype type, std::uint32_t item_size, std::span<const std::byte> elements,
                 std::span<const std::uint64_t> shape, axis_order order);
  // Whatever array_adapter knows: xtensor expressions with petrify/xtensor.hpp.
  template <class A>
  requires requires(writer& out, const A& array) { array_adapter<A>::add(out, std::string_view(), array); }
  void add(std::string_view name, const A& array) { array_adapter<A>::add(*this, name, array); }

  // A forest from a forest_builder or an importer.
  void add(std::string_view name, const forest_model& model);

  // Nested data (petrify/value.hpp). Throws also: errc::invalid_argument when a list or dict of it was not ended.
  void add(std::string_view name, const value_builder& value);

  // A finished FlatBuffer with a file identifier; add_record of petrify/record.hpp calls it.
  void add_record_bytes(std::string_view name, std::span<const std::byte> finished);

  // Facts beside object `name`, which was added before (unit, axes, source, ...): a dict whose keys are texts, once for
  // each object. file::attributes reads them. Cost: a copy; all of them are read whenever the file is opened, and are
  // for facts, not for data. Throws: errc::invalid_argument where there is no such object, where it has attributes
  // already, and for anything else than a dict with texts as keys; errc::limit_exceeded beyond 1 MiB for an object, or
  // 64 MiB for the directory. A call that is refused changes nothing.
  void set_attributes(std::string_view name, const value_builder& attributes);

  // An array whose length is not known yet: rows of shape `row_shape` are appended, then finish() is called.
  // Until then nothing else can be added.
  template <element T>
  array_stream<T> stream(std::string_view name, std::span<const std::uint64_t> row_shape) {
    begin_stream(name, dtype_of<T>, row_shape);
    return array_stream<T>(*this);
  }
  template <element T>
  array_stream<T> stream(std::string_view name, std::initializer_list<std::uint64_t> row_shape = {}) {
    return stream<T>(name, std::span<const std::uint64_t>(row_shape.begin(), row_shape.size()));
  }

  // What add_bytes takes at once, in pieces of any size; then finish() is called. Until then nothing else can be added.
  // Throws: errc::invalid_argument for a bad name, type or shape.
  byte_stream stream_bytes(std::string_view name, dtype type, std::uint32_t item_size,
                           std::span<const std::uint64_t> shape, axis_order order);

  // An array whose shape is known and whose elements come later, from any threads and in any order, each once: the
  // writer gives it its place in the file, and goes on with other objects. commit() wants it whole. The file is the one
  // that add would make. Throws: errc::invalid_argument for a bad name or shape; errc::io, limit_exceeded.
  template <element T>
  planned_array<T> plan(std::string_view name, std::span<const std::uint64_t> shape,
                        axis_order order = axis_order::row_major) {
    return planned_array<T>(plan_bytes(name, dtype_of<T>, shape, order));
  }
  template <element T>
  planned_array<T> plan(std::string_view name, std::initializer_list<std::uint64_t> shape,
                        axis_order order = axis_order::row_major) {
    return plan<T>(name, std::span<const std::uint64_t>(shape.begin(), shape.size()), order);
  }

  // Makes the file durable and puts it at `path`: fsync, rename, fsync of the folder (unsynced: rename alone). The
  // writer is done then. When it throws, `path` is the old file or, if only the folder's fsync failed, the new one.
  // Throws: errc::io, limit_exceeded; errc::invalid_argument while a stream is open or a planned array is not whole
  // (both can be mended, and commit called again), after an object that failed half-way, or when it is done already.
  void commit(durability wanted = durability::synced);

private:
  template <element T>
  friend class array_stream;
  void add_places(std::string_view name, dtype type, const std::byte* data, const extents& places);
  planned_elements& plan_bytes(std::string_view name, dtype type, std::span<const std::uint64_t> shape,
                               axis_order order);
  friend class byte_stream;
  friend class store;
  void begin_stream(std::string_view name, dtype type, std::span<const std::uint64_t> row_shape);
  void append_stream(std::span<const std::byte> bytes);
  void finish_stream();

  struct state;
  std::unique_ptr<state> state_;
};

// Appends rows to an array of a writer, which must outlive it.
template <element T>
class array_stream {
public:
  // Any number of elements, in row-major order. After an error the writer is of no more use. Throws: errc::io.
  void append(std::span<const T> values) { writer_->append_stream(std::as_bytes(values)); }
  // Ends the array: its first axis is the number of rows. Throws: errc::invalid_argument when the last row is not
  // whole.
  void finish() { writer_->finish_stream(); }

private:
  friend class writer;
  explicit array_stream(writer& out) : writer_(&out) {}
  writer* writer_;
};

// What planned_array::write calls.
void write_planned(planned_elements& to, std::uint64_t first, std::span<const std::byte> bytes);

// Fills an array that a writer has planned. The writer must outlive it, and may be moved.
//
// Thread safety: write may be called from any number of threads at once, and while the writer's own thread adds other
// objects; all calls must have returned before commit(). Copies fill the same array.
template <element T>
class planned_array {
public:
  // Elements first, first + 1, ... in the array's own order, row r of a row-major table of C columns being elements
  // r * C to r * C + C. They go to the file straight from here: large pieces, of some MiB, cost least.
  // Throws: errc::invalid_argument beyond the array's end, and where another write has been; that one changes nothing.
  // errc::io; the writer is of no more use then.
  void write(std::uint64_t first, std::span<const T> values) {
    write_planned(*elements_, first, std::as_bytes(values));
  }

private:
  friend class writer;
  explicit planned_array(planned_elements& elements) : elements_(&elements) {}
  planned_elements* elements_;
};

// Appends the bytes of an array whose shape is known to a writer, which must outlive it.
class byte_stream {
public:
  // Elements' bytes, in the array's order. Throws: errc::invalid_argument for more of them than the shape has, which
  // changes nothing; errc::io; the writer is of no more use then.
  void append(std::span<const std::byte> bytes) { writer_->append_stream(bytes); }
  // Ends the array. Throws: errc::invalid_argument unless it has all its bytes.
  void finish() { writer_->finish_stream(); }

private:
  friend class writer;
  explicit byte_stream(writer& out) : writer_(&out) {}
  writer* writer_;
};

} // namespace petrify::inline v0
