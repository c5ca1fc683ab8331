// The worst directories (benchmarks/hostile.cpp has their times) do no harm: each opens or is refused.
#include "corrupt/hostile_directory.hpp"

#include "support/aligned_bytes.hpp"
#include "support/support.hpp"

#include <petrify/file.hpp>

using namespace petrify;
using namespace petrify::test;

TEST_CASE("HostileDirectoriesAreRefusedOrHarmless") {
  for (const hostile_case& one : hostile_cases())
    for (const std::size_t size : {std::size_t{300}, std::size_t{5'000}, std::size_t{500'000}}) {
      CAPTURE(one.name);
      CAPTURE(size);
      const std::vector<std::byte> made = one.make(size);
      aligned_bytes memory(made);
      const auto failure = error_of([&] {
        const file from = file::open_bytes(memory.bytes());
        for (const object_info& object : from.objects()) {
          const auto refused = error_of([&] {
            if (object.kind == "array")
              (void)from.array(object.name);
            if (object.kind == "forest")
              (void)from.forest(object.name);
            if (object.kind == "value")
              (void)from.value(object.name);
          });
          // None of them is whole: the directories have no segments worth the name.
          CHECK((refused.has_value() || object.kind == "unknown"));
        }
      });
      if (failure)
        CHECK_MESSAGE((failure->code() == errc::malformed || failure->code() == errc::limit_exceeded), failure->what());
    }
}
