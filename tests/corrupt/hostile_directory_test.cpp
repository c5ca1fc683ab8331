// The worst directories (benchmarks/hostile.cpp has their times) do no harm: each opens or is refused.
#include "corrupt/hostile_directory.hpp"

#include "support/support.hpp"

#include <petrify/file.hpp>

#include <cstdlib>
#include <cstring>
#include <memory>

using namespace petrify;
using namespace petrify::test;

TEST_CASE("HostileDirectoriesAreRefusedOrHarmless") {
  for (const hostile_case& one : hostile_cases())
    for (const std::size_t size : {std::size_t{300}, std::size_t{5'000}, std::size_t{500'000}}) {
      CAPTURE(one.name);
      CAPTURE(size);
      const std::vector<std::byte> made = one.make(size);
      const std::unique_ptr<std::byte, decltype(&std::free)> memory(
          static_cast<std::byte*>(std::aligned_alloc(64, (made.size() + 63) / 64 * 64)), &std::free);
      std::memcpy(memory.get(), made.data(), made.size());
      const auto failure = error_of([&] {
        const file from = file::open_bytes({memory.get(), made.size()});
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
