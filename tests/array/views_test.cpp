#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include <numeric>
#include <random>

using namespace petrify;
using namespace petrify::test;

namespace {

// An array as plain as it can be: its shape, and its elements in row-major order. Parts of it are copies.
struct model {
  std::vector<std::uint64_t> shape;
  std::vector<int> elements;

  std::uint64_t size() const {
    return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>());
  }
  int at(const std::vector<std::uint64_t>& index) const {
    std::uint64_t place = 0;
    for (std::size_t k = 0; k < shape.size(); ++k)
      place = place * shape[k] + index[k];
    return elements[place];
  }
};

// Calls `each` with all indices of a shape, in row-major order.
template <class Each>
void for_each_index(const std::vector<std::uint64_t>& shape, Each each) {
  std::vector<std::uint64_t> index(shape.size());
  const std::uint64_t size = model{shape, {}}.size();
  for (std::uint64_t i = 0; i < size; ++i) {
    each(index);
    for (std::size_t k = shape.size(); k-- > 0;) {
      if (++index[k] < shape[k])
        break;
      index[k] = 0;
    }
  }
}

// The model with another shape whose element at an index is this one's at from(index).
template <class From>
model gathered(const model& whole, std::vector<std::uint64_t> shape, From from) {
  model out{std::move(shape), {}};
  for_each_index(out.shape,
                 [&](const std::vector<std::uint64_t>& index) { out.elements.push_back(whole.at(from(index))); });
  return out;
}

void check_equal(const array_view<int>& view, const model& expected) {
  REQUIRE(std::vector<std::uint64_t>(view.shape().begin(), view.shape().end()) == expected.shape);
  REQUIRE(view.size() == expected.size());
  std::vector<int> copy(view.size());
  view.copy_to(copy);
  REQUIRE(copy == expected.elements);
  std::size_t i = 0;
  bool is_same = true;
  std::int64_t lowest = 0;
  std::int64_t highest = 0;
  for_each_index(expected.shape, [&](const std::vector<std::uint64_t>& index) {
    const std::int64_t at = view.places().checked_offset(index);
    is_same = is_same && view.data()[at] == expected.elements[i++];
    lowest = std::min(lowest, at);
    highest = std::max(highest, at);
  });
  REQUIRE(is_same);
  CHECK(view.places().lowest() == lowest);
  CHECK(view.places().highest() == highest);
}

std::vector<int> counted(std::size_t n) {
  std::vector<int> out(n);
  std::iota(out.begin(), out.end(), 0);
  return out;
}

std::vector<std::uint64_t> shape_of(const array_view<int>& view) { return {view.shape().begin(), view.shape().end()}; }

} // namespace

TEST_CASE("PartsAreThoseOfAPlainModelOfTheArray") {
  std::mt19937 random(20261126);
  const auto below = [&](std::uint64_t n) { return n == 0 ? 0 : random() % n; };
  int reshaped = 0;
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<std::uint64_t> shape(below(5));
    for (auto& length : shape)
      length = below(20) == 0 ? 0 : 1 + below(5);
    const axis_order order = below(2) == 0 ? axis_order::row_major : axis_order::column_major;
    const extents places(shape, order);
    const std::vector<int> memory = counted(places.size());
    array_view<int> view(memory.data(), places);
    model expected{shape, {}};
    for_each_index(shape, [&](const std::vector<std::uint64_t>& index) {
      expected.elements.push_back(memory[static_cast<std::size_t>(places.offset(index))]);
    });
    check_equal(view, expected);
    for (int step = 0; step < 6; ++step) {
      const std::size_t rank = view.rank();
      const std::size_t axis = below(rank);
      switch (rank == 0 ? 5 : below(6)) {
      case 0: {
        const std::uint64_t begin = below(expected.shape[axis] + 1);
        const std::uint64_t end = begin + below(expected.shape[axis] - begin + 1);
        const std::uint64_t stride = 1 + below(4);
        view = view.slice(axis, begin, end, stride);
        auto lengths = expected.shape;
        lengths[axis] = (end - begin + stride - 1) / stride;
        expected = gathered(expected, lengths, [&](std::vector<std::uint64_t> index) {
          index[axis] = begin + index[axis] * stride;
          return index;
        });
        break;
      }
      case 1: {
        if (expected.shape[axis] == 0)
          break;
        const std::uint64_t chosen = below(expected.shape[axis]);
        view = view.select(axis, chosen);
        auto lengths = expected.shape;
        lengths.erase(lengths.begin() + static_cast<std::ptrdiff_t>(axis));
        expected = gathered(expected, lengths, [&](std::vector<std::uint64_t> index) {
          index.insert(index.begin() + static_cast<std::ptrdiff_t>(axis), chosen);
          return index;
        });
        break;
      }
      case 2: {
        view = view.flipped(axis);
        const std::uint64_t length = expected.shape[axis];
        expected = gathered(expected, expected.shape, [&](std::vector<std::uint64_t> index) {
          index[axis] = length - 1 - index[axis];
          return index;
        });
        break;
      }
      case 3: {
        view = view.transposed();
        expected =
            gathered(expected, {expected.shape.rbegin(), expected.shape.rend()}, [](std::vector<std::uint64_t> index) {
              std::reverse(index.begin(), index.end());
              return index;
            });
        break;
      }
      case 4: {
        std::vector<std::size_t> axes(rank);
        std::iota(axes.begin(), axes.end(), 0);
        std::shuffle(axes.begin(), axes.end(), random);
        view = view.permuted(axes);
        std::vector<std::uint64_t> lengths;
        for (const std::size_t one : axes)
          lengths.push_back(expected.shape[one]);
        expected = gathered(expected, lengths, [&](const std::vector<std::uint64_t>& index) {
          std::vector<std::uint64_t> out(rank);
          for (std::size_t k = 0; k < rank; ++k)
            out[axes[k]] = index[k];
          return out;
        });
        break;
      }
      default: {
        // Any factors of the size, with axes of length 1 between them.
        std::vector<std::uint64_t> lengths;
        std::uint64_t rest = expected.size();
        for (std::uint64_t factor = 2; rest > 1; ++factor)
          for (; rest % factor == 0; rest /= factor)
            lengths.push_back(factor);
        if (rest == 0)
          lengths.push_back(0);
        std::shuffle(lengths.begin(), lengths.end(), random);
        while (lengths.size() > 1 && below(2) == 0) {
          lengths[0] *= lengths.back();
          lengths.pop_back();
        }
        lengths.insert(lengths.begin() + static_cast<std::ptrdiff_t>(below(lengths.size() + 1)), below(3), 1);
        const bool is_easy = view.is_gapless();
        const auto failure = error_of([&] { view = view.reshaped(lengths); });
        CHECK_FALSE((is_easy && failure));
        (failure ? refused : reshaped) += 1;
        if (!failure)
          expected.shape = lengths;
      }
      }
      check_equal(view, expected);
    }
  }
  CHECK(reshaped > 100);
  CHECK(refused > 20);
}

TEST_CASE("ReshapingKeepsGapsThatStayBetweenRows") {
  const std::vector<int> memory = counted(4 * 3 * 10);
  const array_view<int> whole(memory.data(), extents(std::vector<std::uint64_t>{4, 3, 10}));
  const auto columns = whole.slice(2, 2, 6);
  const auto rows = columns.reshaped({12, 4});
  CHECK(rows(11, 3) == whole(3, 2, 5));
  CHECK(columns.reshaped({2, 2, 3, 2, 2})(1, 1, 2, 1, 1) == whole(3, 2, 5));
  CHECK_REFUSED(columns.reshaped({48}), errc::invalid_argument, "shape: the elements have gaps");
  CHECK_REFUSED(columns.reshaped({4, 12}), errc::invalid_argument, "expected a shape that keeps them, or a copy");
  CHECK_REFUSED(columns.reshaped({4, 11}), errc::invalid_argument, "shape: 44 elements, expected 48");
  // A flipped array may lose its axes, but not the direction.
  const auto backwards = whole.flipped(0).flipped(1).flipped(2);
  CHECK(backwards.reshaped({120})(0) == 119);
}

TEST_CASE("PartsLieInTheMapping") {
  const temp_dir dir;
  const std::string path = dir.path("a.stone");
  {
    writer out(path);
    out.add<int>("a", counted(1000), {10, 100});
    out.commit();
  }
  const file from = file::open(path);
  const auto whole = from.array<int>("a");
  CHECK(whole.select(0, 3).data() == whole.data() + 300);
  CHECK(whole.slice(1, 20, 30).data() == whole.data() + 20);
  CHECK(whole.flipped(0).data() == whole.data() + 900);
  CHECK(whole.row(7).data() == whole.data() + 700);
  CHECK(whole.row(7).size() == 100);
}

TEST_CASE("RowsAreSpans") {
  const std::vector<int> memory = counted(60);
  const array_view<int> cube(memory.data(), extents(std::vector<std::uint64_t>{3, 4, 5}));
  CHECK(cube.row(2).size() == 20);
  CHECK(cube.row(2)[19] == 59);
  CHECK(cube.slice(0, 0, 3, 2).row(1).front() == 40);
  CHECK(cube.flipped(0).row(0).front() == 40);
  CHECK_REFUSED(cube.row(3), errc::invalid_argument, "row: 3, expected less than 3");
  CHECK_REFUSED(cube.slice(2, 1, 3).row(0), errc::invalid_argument, "row: its elements have gaps between them");
  CHECK_REFUSED(cube.transposed().row(0), errc::invalid_argument, "expected a row-major array");
  CHECK_REFUSED(cube.select(0, 0).select(0, 0).select(0, 0).row(0), errc::invalid_argument, "at least one axis");
  CHECK(cube.slice(1, 0, 0).row(1).empty());
}

TEST_CASE("PartsThatAreNotThereAreRefused") {
  const std::vector<int> memory = counted(6);
  const array_view<int> a(memory.data(), extents(std::vector<std::uint64_t>{2, 3}));
  CHECK_REFUSED(a.slice(2, 0, 1), errc::invalid_argument, "axis: 2, expected less than 2");
  CHECK_REFUSED(a.slice(1, 2, 1), errc::invalid_argument, "axis 1: slice from 2 to 1");
  CHECK_REFUSED(a.slice(1, 0, 4), errc::invalid_argument, "expected one in order that ends at 3 at most");
  CHECK_REFUSED(a.slice(1, 0, 3, 0), errc::invalid_argument, "step 0, expected at least 1");
  CHECK_REFUSED(a.select(0, 2), errc::invalid_argument, "axis 0: index 2, expected less than 2");
  CHECK_REFUSED(a.select(5, 0), errc::invalid_argument, "axis: 5");
  CHECK_REFUSED(a.flipped(2), errc::invalid_argument, "axis: 2");
  CHECK_REFUSED(a.permuted(std::vector<std::size_t>{0}), errc::invalid_argument, "axes: 1 of them, expected 2");
  CHECK_REFUSED(a.permuted(std::vector<std::size_t>{1, 1}), errc::invalid_argument, "axis 1 twice");
  CHECK_REFUSED(a.permuted(std::vector<std::size_t>{0, 2}), errc::invalid_argument, "axis: 2");
  CHECK_REFUSED(a.reshaped(std::vector<std::uint64_t>(33, 1)), errc::invalid_argument, "33 axes");
  std::vector<int> five(5);
  CHECK_REFUSED(a.copy_to(five), errc::invalid_argument, "copy_to: room for 5 elements, expected 6");
  CHECK_REFUSED(a.slice(1, 0, 2).elements(), errc::invalid_argument, "elements: the part has gaps");
  CHECK_REFUSED(a.flipped(0).elements(), errc::invalid_argument, "or copy_to");
  CHECK(a.transposed().elements().data() == memory.data());
  CHECK(a.slice(0, 1, 2).elements()[0] == 3);
}

TEST_CASE("EnormousShapesWithoutElementsHaveParts") {
  const std::uint64_t huge = std::uint64_t{1} << 62;
  const array_view<int> none(nullptr, extents(std::vector<std::uint64_t>{huge, 0, huge}));
  CHECK(none.slice(0, huge - 1, huge).size() == 0);
  CHECK(shape_of(none.select(2, huge - 1)) == std::vector<std::uint64_t>{huge, 0});
  CHECK(shape_of(none.flipped(0).transposed()) == std::vector<std::uint64_t>{huge, 0, huge});
  CHECK(none.reshaped({0, huge, huge}).size() == 0);
  CHECK_REFUSED(none.reshaped({huge}), errc::invalid_argument, "expected 0");
  CHECK(none.slice(0, 0, huge, huge / 2).shape()[0] == 2);
}

TEST_CASE("PartsAreWrittenAsArraysOfTheirOwn") {
  const temp_dir dir;
  const std::vector<int> memory = counted(300 * 1100);
  const array_view<int> whole(memory.data(), extents(std::vector<std::uint64_t>{300, 1100}));
  {
    writer out(dir.path("parts.stone"));
    out.add("whole", whole);
    out.add("columns", whole.slice(1, 100, 1100, 2)); // more than one piece of the writer
    out.add("turned", whole.transposed());
    out.add("backwards", whole.flipped(0));
    out.add("none", whole.slice(0, 5, 5));
    out.add("one", whole.select(0, 3).select(0, 4));
    out.commit();
  }
  const file from = file::open(dir.path("parts.stone"));
  CHECK(from.verify().empty());
  CHECK(from.array("whole").order() == axis_order::row_major);
  CHECK(from.array("turned").order() == axis_order::column_major); // its elements stay as they lie
  CHECK(from.array<int>("turned")(7, 5) == whole(5, 7));
  const auto columns = from.array<int>("columns");
  REQUIRE(shape_of(columns) == std::vector<std::uint64_t>{300, 500});
  std::vector<int> expected(columns.size());
  whole.slice(1, 100, 1100, 2).copy_to(expected);
  CHECK(std::equal(expected.begin(), expected.end(), columns.elements().begin(), columns.elements().end()));
  CHECK(from.array<int>("backwards")(0, 1) == whole(299, 1));
  CHECK(shape_of(from.array<int>("none")) == std::vector<std::uint64_t>{0, 1100});
  CHECK(from.array<int>("one")() == 3304);
}
