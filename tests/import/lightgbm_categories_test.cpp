// Which columns LightGBM's lists of categories belong to, which its files do not say.
#include "support/support.hpp"

#include "import/lightgbm_categories.hpp"

using namespace petrify;
using namespace petrify::test;

namespace {

using columns = std::vector<std::uint32_t>;

columns of(std::vector<std::string_view> infos, std::string_view chosen, std::vector<std::size_t> sizes) {
  return columns_of_categories(infos, chosen, sizes);
}

} // namespace

TEST_CASE("ListsBelongToTheColumnsThatAreCategories") {
  CHECK(of({"[0:1]", "-1:2:0:1", "[0:1]", "1:0"}, "1,3", {3, 2}) == columns{1, 3});
  CHECK(of({"[0:1]", "-1:2:0:1", "[0:1]", "1:0"}, "", {3, 2}) == columns{1, 3}); // before 3.0
  CHECK(of({"none", "[0:1]", "1:0"}, "0,2", {1, 2}) == columns{0, 2});
  CHECK(of({"none", "[0:1]", "1:0"}, "", {1, 2}) == columns{0, 2});
  CHECK(of({"[0:1]", "2:0"}, "", {}).empty());
}

TEST_CASE("ListsOfOtherColumnsBelongToTheOnlyOnesThatCanHaveTheirCodes") {
  CHECK(of({"[0:2]", "[-1.5:2]", "0:1"}, "2", {4, 2}) == columns{0, 2}); // ordered, and not
  CHECK(of({"[0:4]", "[-1.5:2]", "1:7:0"}, "2", {5}) == columns{0});     // chosen by the user
  CHECK(of({"[0:4.5]", "[0:4", "[0:5]", "[0:4]"}, "", {5}) == columns{3});
}

TEST_CASE("ListsThatCanBelongToSeveralColumnsBelongToNone") {
  CHECK(of({"[0:2]", "[0:1]", "0:1"}, "2", {4, 2}).empty());
  CHECK(of({"[0:1]", "[0:1]"}, "", {2}).empty());
  CHECK(of({"[0:9]", "0:9"}, "1", {2}).empty());             // fits nowhere
  CHECK(of({"0:1", "0:1"}, "1,0", {2, 2}) == columns{0, 1}); // no list of columns: as if it were not there
  CHECK(of({"0:1", "0:1"}, "name:a", {2, 2}) == columns{0, 1});
  CHECK(of({"0:1"}, "7", {2}) == columns{0});
  CHECK(of({"0:1"}, "", {2, 2, 2}).empty());
}

TEST_CASE("CategoriesAreNamedAsPythonWritesThem") {
  const category_lists lists = read_category_lists(
      R"([["a", "\u00fc", ""], [3, -1], [false, true], [0.5, 2.0, 1e5, 1e-5, 1e16], ["x", 1, 2.5], []])");
  REQUIRE(lists.size() == 6);
  CHECK(lists[0] == std::vector<std::string>{"a", "ü", ""});
  CHECK(lists[1] == std::vector<std::string>{"3", "-1"});
  CHECK(lists[2] == std::vector<std::string>{"False", "True"});
  CHECK(lists[3] == std::vector<std::string>{"0.5", "2.0", "100000.0", "1e-05", "1e+16"});
  CHECK(lists[4] == std::vector<std::string>{"x", "1", "2.5"});
  CHECK(lists[5].empty());
  for (const char* wrong : {"{}", "[1, 2]", "[[null]]", "[[[1]]]", "[\"a\"]", "[["})
    CHECK(error_of([&] { (void)read_category_lists(wrong); }).has_value());
}
