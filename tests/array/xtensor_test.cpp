#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/xtensor.hpp>

#include <numeric>

#if __has_include(<xtensor/containers/xarray.hpp>) // since xtensor 0.26
#include <xtensor/containers/xarray.hpp>
#include <xtensor/containers/xtensor.hpp>
#include <xtensor/core/xmath.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xarray.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>
#endif

using namespace petrify;
using namespace petrify::test;

TEST_CASE("XtensorExpressionsGoInAndComeBackAsViews") {
  const temp_dir dir;
  const std::string path = dir.path("x.stone");
  const xt::xtensor<float, 2> a{{1, 2, 3}, {4, 5, 6}};
  const xt::xarray<int> dynamic{{1, 2}, {3, 4}, {5, 6}};
  const xt::xtensor<double, 2, xt::layout_type::column_major> fortran{{1, 2, 3}, {4, 5, 6}};
  {
    writer out(path);
    out.add("a", a);
    out.add("lazy", 2 * a + 1);
    out.add("dynamic", dynamic);
    out.add("fortran", fortran);
    out.add("slice", xt::view(a, xt::all(), xt::range(1, 3)));
    out.add("mask", a > 2.5f);
    out.add("scalar", xt::xtensor<float, 0>(7.5f));
    out.add("empty", xt::xtensor<float, 2>(std::array<std::size_t, 2>{0, 3}));
    out.add("large", xt::ones<double>({300, 1000}) * 0.5);
    out.commit();
  }
  const file from = file::open(path);
  CHECK(from.verify().empty());
  const auto array = from.array<float>("a");
  const auto view = xt_view<2>(array);
  CHECK(view == a);
  CHECK(&view(0, 0) == array.data()); // a view, no copy
  CHECK(xt_view<2>(from.array<float>("lazy")) == 2 * a + 1);
  CHECK(xt_view<2>(from.array<int>("dynamic")) == dynamic);
  CHECK(xt_view<2>(from.array<double>("fortran")) == fortran);
  CHECK(xt_view<2>(from.array<float>("slice")) == xt::view(a, xt::all(), xt::range(1, 3)));
  CHECK(static_cast<bool>(from.array<bool8>("mask")(0, 2)));
  CHECK_FALSE(static_cast<bool>(from.array<bool8>("mask")(0, 1)));
  CHECK(from.array<float>("scalar")() == 7.5f);
  CHECK(from.array<float>("empty").shape()[1] == 3);
  CHECK(from.array<double>("large")(299, 999) == 0.5);
  CHECK_REFUSED(xt_view<3>(array), errc::wrong_type, "the array has 2 axes, expected 3");
}

TEST_CASE("GaplessPartsOfArraysAreXtensorViewsToo") {
  std::vector<int> memory(4 * 5);
  std::iota(memory.begin(), memory.end(), 0);
  const array_view<int> array(memory.data(), extents(std::vector<std::uint64_t>{4, 5}));
  const auto rows = array.slice(0, 1, 3);
  const auto view = xt_view<2>(rows);
  CHECK(&view(1, 4) == memory.data() + 14);
  CHECK(view(0, 0) == 5);
  const auto turned = array.transposed();
  CHECK(xt_view<2>(turned)(4, 3) == 19);
  const auto columns = array.slice(1, 1, 3);
  CHECK_REFUSED(xt_view<2>(columns), errc::invalid_argument, "the part has gaps between its elements");
  const auto flipped = array.flipped(0);
  CHECK_REFUSED(xt_view<2>(flipped), errc::invalid_argument, "take xtensor's view of the whole");
}

TEST_CASE("ColumnMajorArraysKeepTheirOrderInTheView") {
  const temp_dir dir;
  writer out(dir.path("f.stone"));
  out.add<int>("f", std::vector<int>{1, 2, 3, 4, 5, 6}, {2, 3}, axis_order::column_major);
  out.add<int>("one", std::vector<int>{7}, {1, 1});
  out.commit();
  const file from = file::open(dir.path("f.stone"));
  const auto array = from.array<int>("f");
  const auto view = xt_view<2>(array);
  CHECK(view(1, 0) == 2);
  CHECK(view(0, 1) == 3);
  const auto one = from.array<int>("one");
  CHECK(xt_view<2>(one)(0, 0) == 7);
}
