// Random choices of the mutators: small, fast, and the same for the same seed.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

namespace petrify::fuzz {

class dice {
public:
  explicit dice(std::uint64_t seed) noexcept : state_(seed * 0x9e3779b97f4a7c15u + 0x1234567) {}
  // splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // Below `bound`, which is not 0.
  std::size_t below(std::size_t bound) noexcept { return static_cast<std::size_t>(next() % bound); }
  bool once_in(std::size_t n) noexcept { return below(n) == 0; }

private:
  std::uint64_t state_;
};

// A value near the old one, near a limit, or any.
template <class T>
T other_number(dice& roll, T old) {
  if constexpr (std::is_enum_v<T>) {
    return static_cast<T>(other_number(roll, static_cast<std::underlying_type_t<T>>(old)));
  } else if constexpr (std::is_same_v<T, bool>) {
    return !old;
  } else if constexpr (std::is_floating_point_v<T>) {
    static constexpr double special[] = {0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 1e-310, 1e300, 1e-35};
    switch (roll.below(6)) {
    case 0: return std::numeric_limits<T>::quiet_NaN();
    case 1: return std::numeric_limits<T>::infinity();
    case 2: return -std::numeric_limits<T>::infinity();
    case 3: return static_cast<T>(std::bit_cast<double>(roll.next()));
    default: return static_cast<T>(special[roll.below(std::size(special))]);
    }
  } else {
    using U = std::make_unsigned_t<T>;
    const auto u = static_cast<U>(old);
    switch (roll.below(10)) {
    case 0: return static_cast<T>(u + 1);
    case 1: return static_cast<T>(u - 1);
    case 2: return static_cast<T>(0);
    case 3: return static_cast<T>(1);
    case 4: return static_cast<T>(~U{0} - static_cast<U>(roll.below(3)));
    case 5: return static_cast<T>(U{1} << roll.below(8 * sizeof(T)));
    case 6: return static_cast<T>(u ^ (U{1} << roll.below(8 * sizeof(T))));
    case 7: return static_cast<T>(roll.below(20));
    case 8: return static_cast<T>(u * 2);
    default: return static_cast<T>(roll.next() >> roll.below(64));
    }
  }
}

template <class T>
void change(dice& roll, T& value) {
  value = other_number(roll, value);
}

// A vector of numbers, or a string: an element changed, added, removed, doubled, moved.
template <class V>
requires requires(V& v) { v.push_back(v[0]); }
void change(dice& roll, V& values) {
  using T = typename V::value_type;
  const std::size_t size = values.size();
  if (size == 0)
    return values.push_back(other_number(roll, T{}));
  const std::size_t at = roll.below(size);
  const auto place = [&](std::size_t i) { return values.begin() + static_cast<std::ptrdiff_t>(i); };
  switch (roll.below(8)) {
  case 0: values.erase(place(at)); break;
  case 1: values.insert(place(at), other_number(roll, static_cast<T>(values[at]))); break;
  case 2: values.insert(place(at), static_cast<T>(values[roll.below(size)])); break;
  case 3: values[at] = static_cast<T>(values[roll.below(size)]); break;
  case 4:
    if (roll.once_in(8))
      values.clear();
    break;
  default: values[at] = other_number(roll, static_cast<T>(values[at]));
  }
}

// One of the arguments is changed, each as likely as any other.
template <class... Fields>
void change_one(dice& roll, Fields&... fields) {
  const std::size_t chosen = roll.below(sizeof...(fields));
  std::size_t i = 0;
  ((i++ == chosen ? change(roll, fields) : void()), ...);
}

} // namespace petrify::fuzz
