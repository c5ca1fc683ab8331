// Uses of a view whose file would be gone: none may compile (tests/dangling.sh), but CASE 0, where the file stays.
#include <petrify/npy.hpp>
#include <petrify/petrify.hpp>

#include <optional>

using petrify::file;

void use(const file& kept, std::optional<petrify::error>& why) {
#if CASE == 0
  (void)kept.array("x");
  (void)kept.array<float>("x");
  (void)kept.strings("x");
  (void)kept.forest("x");
  (void)kept.value("x");
  (void)kept.record_bytes("x");
  (void)kept.try_array("x", why);
  (void)kept.try_array<float>("x", why);
  (void)kept.try_forest("x", why);
  (void)kept.try_value("x", why);
  (void)kept.attributes("x");
  (void)kept.try_attributes("x", why);
  const petrify::predictor one(kept.forest("x"));
  const petrify::npy_file array("x.npy");
  (void)array.array();
  const petrify::follower follower = petrify::store("s").follow("x");
  petrify::followed<int> model(follower, [](const file&) { return 1; });
#elif CASE == 1
  (void)file::open("f").array("x");
#elif CASE == 2
  (void)file::open("f").array<float>("x");
#elif CASE == 3
  (void)file::open("f").strings("x");
#elif CASE == 4
  (void)file::open("f").forest("x");
#elif CASE == 5
  (void)file::open("f").value("x");
#elif CASE == 6
  (void)file::open("f").record_bytes("x");
#elif CASE == 7
  (void)file::open("f").try_array("x", why);
#elif CASE == 8
  (void)file::open("f").try_array<float>("x", why);
#elif CASE == 9
  (void)file::open("f").try_forest("x", why);
#elif CASE == 10
  (void)file::open("f").try_value("x", why);
#elif CASE == 11
  const petrify::predictor one(file::open("f").forest("x"));
#elif CASE == 12
  (void)petrify::npy_file("x.npy").array();
#elif CASE == 13
  (void)file::try_open("f", why).value().array("x"); // of the optional that is gone at the semicolon
#elif CASE == 14
  (void)file::open("f").attributes("x");
#elif CASE == 15
  (void)file::open("f").try_attributes("x", why);
#elif CASE == 16
  petrify::followed<int> model(petrify::store("s").follow("x"), [](const file&) { return 1; });
#endif
}
