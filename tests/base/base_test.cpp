#include "support/support.hpp"

#include "base/checked.hpp"
#include "base/checksum.hpp"
#include "base/checksum_functions.hpp"
#include "base/fail.hpp"
#include "base/pairwise_sum.hpp"
#include "base/real_text.hpp"
#include "base/utf8.hpp"

#include <petrify/dtype.hpp>

#include <cmath>
#include <limits>
#include <random>

using namespace petrify;

TEST_CASE("ErrorSaysPathPlaceAndMessage") {
  const error e(errc::corrupt, "a.stone", "header", "checksum 1, expected 2");
  CHECK(std::string(e.what()) == "a.stone: header: checksum 1, expected 2");
  CHECK(std::string(error(errc::io, "", "", "x").what()) == "x");
  const error placed = error(errc::io, "", "node 3", "x").at("a.stone", "tree 1");
  CHECK(std::string(placed.what()) == "a.stone: tree 1 node 3: x");
  CHECK(std::string(placed.at("b.stone").what()) == "a.stone: tree 1 node 3: x");
  CHECK(to_string(errc::limit_exceeded) == std::string("limit_exceeded"));
}

TEST_CASE("QuotedTextStaysOnOneLine") {
  CHECK(quoted("a\"b\\c\n\x01") == R"("a\"b\\c\n\x01")");
  CHECK(quoted("caf\xc3\xa9") == "\"caf\xc3\xa9\"");
  CHECK(quoted("\xff\xc3") == R"("\xff\xc3")");
  CHECK(quoted("abcdef", 3) == "\"abc\"...");
}

TEST_CASE("CheckedArithmeticSaysWhenItWouldOverflow") {
  CHECK(checked_mul(1u << 31, 1u << 31) == std::uint64_t{1} << 62);
  CHECK_FALSE(checked_mul(std::uint64_t{1} << 32, std::uint64_t{1} << 31).has_value());
  CHECK_FALSE(checked_add(max_size, 1).has_value());
  CHECK(checked_add(max_size - 1, 1) == max_size);
  const std::uint64_t zero_last[] = {max_size, max_size, 0};
  CHECK(checked_product(zero_last) == 0u);
  CHECK_FALSE(checked_product(std::span(zero_last).first(2)).has_value());
  CHECK(checked_product({}) == 1u);
  CHECK(in_range(5, 0, 5));
  CHECK_FALSE(in_range(6, 0, 5));
  CHECK_FALSE(in_range(~std::uint64_t{0}, 2, 5));
  CHECK(align_up(0, 64) == 0);
  CHECK(align_up(65, 64) == 128);
}

TEST_CASE("Utf8IsCheckedAsTheRfcDefinesIt") {
  for (const char* good :
       {"", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    CHECK_MESSAGE(is_utf8(good), good);
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x28\xa1", "a\xff"})
    CHECK_FALSE_MESSAGE(is_utf8(bad), bad);
}

TEST_CASE("ChecksumIsXxh3AndTheSameInPieces") {
  // XXH3-64 of the empty input, from the specification's test vectors.
  CHECK(checksum({}) == 0x2d06800538d394c2ull);
  std::vector<std::byte> bytes(100000);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(i * 7);
  checksum_stream stream;
  for (std::size_t at = 0; at < bytes.size(); at += 777)
    stream.append(std::span(bytes).subspan(at, std::min<std::size_t>(777, bytes.size() - at)));
  CHECK(stream.finish() == checksum(bytes));
  CHECK(stream.finish() == checksum({}));
}

TEST_CASE("AllFormsOfTheChecksumAgree") {
  std::vector<const checksum_functions*> forms = {&baseline_checksum};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2"))
    forms.push_back(&avx2_checksum);
#endif
  std::mt19937_64 random(7);
  std::vector<unsigned char> bytes(70'000);
  for (unsigned char& byte : bytes)
    byte = static_cast<unsigned char>(random());
  for (const checksum_functions* form : forms) {
    void* const state = form->make();
    for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 7) {
      const std::size_t begin = random() % (bytes.size() - size);
      const std::uint64_t expected = baseline_checksum.of(bytes.data() + begin, size);
      REQUIRE(form->of(bytes.data() + begin, size) == expected);
      for (std::size_t done = 0; done < size;) {
        const std::size_t part = std::min<std::size_t>(size - done, 1 + random() % 3000);
        form->append(state, bytes.data() + begin + done, part);
        done += part;
      }
      REQUIRE(form->finish(state) == expected);
    }
    form->free(state);
  }
}

TEST_CASE("HalfFloatsConvertExactly") {
  // Every half but NaN, against arithmetic on its parts.
  std::uint32_t wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31);
    const double fraction = bits & 0x3ff;
    double expected = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31)
      expected = fraction == 0 ? std::numeric_limits<double>::infinity() : std::nan("");
    if (bits >> 15)
      expected = -expected;
    const auto actual = static_cast<float>(float16{static_cast<std::uint16_t>(bits)});
    wrong += std::isnan(expected)
                 ? !std::isnan(actual)
                 : static_cast<double>(actual) != expected || std::signbit(actual) != std::signbit(expected);
  }
  CHECK(wrong == 0);
  CHECK(static_cast<float>(bfloat16{0x3fc0}) == 1.5f);
}

TEST_CASE("DtypesKnowTheirSizesAndNames") {
  CHECK(dtype_of<std::int8_t> == dtype::int8);
  CHECK(dtype_of<unsigned long long> == dtype::uint64);
  CHECK(dtype_of<long> == dtype::int64);
  CHECK(dtype_of<std::complex<double>> == dtype::complex128);
  CHECK(dtype_of<bool> == dtype::none);
  CHECK(dtype_of<char> == dtype::none);
  CHECK(size_bytes(dtype::complex128) == 16);
  CHECK(size_bytes(dtype::string) == 0);
  CHECK(size_bytes(static_cast<dtype>(200)) == 0);
  CHECK(to_string(dtype::bfloat16) == std::string("bfloat16"));
  CHECK(to_string(static_cast<dtype>(200)) == std::string("unknown"));
}

TEST_CASE("RealNumbersPrintAsPythonPrintsThem") {
  CHECK(real_text(1.0) == "1.0");
  CHECK(real_text(0.1) == "0.1");
  CHECK(real_text(0.1f) == "0.1");
  CHECK(real_text(100000.0) == "100000.0");
  CHECK(real_text(1e15) == "1000000000000000.0");
  CHECK(real_text(1e16) == "1e+16");
  CHECK(real_text(0.0001) == "0.0001");
  CHECK(real_text(0.00001) == "1e-05");
  CHECK(real_text(-0.0) == "-0.0");
  CHECK(real_text(std::nan("")) == "nan");
  CHECK(real_text(-std::numeric_limits<double>::infinity()) == "-inf");
  CHECK(real_text(5e-324) == "5e-324");
}

TEST_CASE("PairwiseSumRoundsAsNumpyDoes") {
  // Values and sums from numpy 1.24: np.sum of [0.1 * (i % 7) + 1e-9 * i for i in range(n)], in hexadecimal.
  const auto sum_of = [](std::size_t n) {
    std::vector<double> x(n);
    for (std::size_t i = 0; i < n; ++i)
      x[i] = 0.1 * static_cast<double>(i % 7) + 1e-9 * static_cast<double>(i);
    return pairwise_sum(x.data(), n);
  };
  CHECK(sum_of(3) == 0x1.33333366bd56fp-2);
  CHECK(sum_of(7) == 0x1.0cccccf9e5ac2p+1);
  CHECK(sum_of(8) == 0x1.0ccccd08edf68p+1);
  CHECK(sum_of(12) == 0x1.8ccccd5a88af1p+1);
  CHECK(sum_of(13) == 0x1.cccccd744dc0fp+1);
  CHECK(sum_of(128) == 0x1.2f3337761f276p+5);
  CHECK(sum_of(129) == 0x1.30ccd120e6ccdp+5);
  CHECK(sum_of(300) == 0x1.66ccd88ea1eeep+6);
  CHECK(sum_of(1000) == 0x1.2bb353ef6b5d5p+8);
}
