#include "array_contenders.hpp"

#include "naive_stream.hpp"
#include "raw_files.hpp"

#include "array_generated.h"

#include <petrify/petrify.hpp>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <istream>
#include <stdexcept>

#include <fcntl.h>

namespace bench {

namespace {

// All elements of a source, for libraries that want them in one vector: the source's own where it has one.
const std::vector<float>& in_memory(const sample_source& source, std::vector<float>& place) {
  if (source.memory() != nullptr)
    return *source.memory();
  place.resize(static_cast<std::size_t>(source.size()));
  sample_source::fill(place, 0);
  return place;
}

// ---- petrify

class petrify_array : public open_array {
public:
  petrify_array(const std::string& path, petrify::residency mode)
      : file_(petrify::file::open(path, {.residency = mode, .bounds = {}})), view_(file_.array<float>("array")) {
    elements_ = view_.elements();
    shape_ = view_.shape();
  }

private:
  petrify::file file_;
  petrify::array_view<float> view_;
};

class petrify_contender : public array_contender {
public:
  petrify_contender(std::string_view name, petrify::residency mode) : name_(name), mode_(mode) {}

  std::string_view name() const override { return name_; }
  std::string_view format() const override { return "stone"; }
  bool is_mapped() const override { return mode_ == petrify::residency::lazy; }
  void save(const std::string& path, const sample_source& source, durability wanted) const override {
    petrify::writer out(path);
    if (const auto* memory = source.memory(); memory != nullptr) {
      out.add<float>("array", *memory, source.shape());
    } else {
      auto stream = out.stream<float>("array", std::span(source.shape()).subspan(1));
      source.for_each_piece([&](std::span<const float> piece) { stream.append(piece); });
      stream.finish();
    }
    out.commit(wanted);
  }
  std::unique_ptr<open_array> open(const std::string& path) const override {
    return std::make_unique<petrify_array>(path, mode_);
  }

private:
  std::string_view name_;
  petrify::residency mode_;
};

// ---- streams

// Large enough that system calls cost nothing beside the calls for each element.
constexpr std::size_t stream_buffer_bytes = std::size_t{256} << 10;

class stream_array : public open_array {
public:
  stream_array(std::istream& in, naive::transfer how, const std::string& path, std::size_t file_bytes) {
    in.exceptions(std::ios::badbit | std::ios::failbit | std::ios::eofbit);
    in.read(reinterpret_cast<char*>(&header_), sizeof header_);
    const std::size_t count = header_.num_elements(file_bytes, path);
    if (how == naive::transfer::in_bulk) {
      values_.resize(count);
      in.read(reinterpret_cast<char*>(values_.data()), static_cast<std::streamsize>(count * sizeof(float)));
    } else {
      values_.reserve(count);
      for (std::size_t i = 0; i < count; ++i) {
        float element = 0;
        in.read(reinterpret_cast<char*>(&element), sizeof element);
        values_.push_back(element);
      }
    }
    elements_ = values_;
    shape_ = {header_.lengths, static_cast<std::size_t>(header_.rank)};
  }

private:
  raw_header header_;
  std::vector<float> values_;
};

class stream_contender : public array_contender {
public:
  stream_contender(std::string_view name, naive::transfer how) : name_(name), how_(how) {}

  std::string_view name() const override { return name_; }
  std::string_view format() const override { return "raw"; }
  bool is_mapped() const override { return false; }

  void save(const std::string& path, const sample_source& source, durability wanted) const override {
    {
      std::vector<char> buffer(stream_buffer_bytes);
      std::ofstream out;
      out.rdbuf()->pubsetbuf(buffer.data(), static_cast<std::streamsize>(buffer.size())); // before open
      out.exceptions(std::ios::badbit | std::ios::failbit);
      out.open(path, std::ios::binary);
      const raw_header header(source.shape());
      out.write(reinterpret_cast<const char*>(&header), sizeof header);
      source.for_each_piece([&](std::span<const float> piece) {
        if (how_ == naive::transfer::in_bulk)
          out.write(reinterpret_cast<const char*>(piece.data()), static_cast<std::streamsize>(piece.size_bytes()));
        else
          for (const float& element : piece)
            out.write(reinterpret_cast<const char*>(&element), sizeof element);
      });
      out.close();
    }
    if (wanted == durability::synced)
      sync_file(path);
  }
  std::unique_ptr<open_array> open(const std::string& path) const override {
    std::vector<char> buffer(how_ == naive::transfer::by_element ? stream_buffer_bytes : 0);
    std::ifstream in;
    if (!buffer.empty())
      in.rdbuf()->pubsetbuf(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    in.open(path, std::ios::binary);
    if (!in.is_open())
      throw std::runtime_error(path + ": cannot be opened");
    return std::make_unique<stream_array>(in, how_, path, std::filesystem::file_size(path));
  }

private:
  std::string_view name_;
  naive::transfer how_;
};

// ---- raw files

class read_array : public open_array {
public:
  explicit read_array(const std::string& path) : read_array(path, raw_descriptor(path, O_RDONLY)) {}

private:
  read_array(const std::string& path, const raw_descriptor& file) : memory_(file.size_bytes()) {
    const std::size_t size_bytes = file.size_bytes();
    file.read_all({memory_.data(), size_bytes}, 0);
    if (size_bytes < sizeof(raw_header))
      throw std::runtime_error(path + ": is no raw array");
    const auto* header = reinterpret_cast<const raw_header*>(memory_.data());
    const std::size_t count = header->num_elements(size_bytes, path);
    elements_ = {reinterpret_cast<const float*>(memory_.data() + sizeof(raw_header)), count};
    shape_ = {header->lengths, static_cast<std::size_t>(header->rank)};
  }

  large_memory memory_;
};

class mapped_array : public open_array {
public:
  explicit mapped_array(const std::string& path) : mapped_array(path, raw_descriptor(path, O_RDONLY)) {}

private:
  mapped_array(const std::string& path, const raw_descriptor& file) : mapped_(file, path) {
    if (mapped_.bytes().size() < sizeof(raw_header))
      throw std::runtime_error(path + ": is no raw array");
    // Read, not touched: a page fault costs many times a read.
    file.read_all(std::as_writable_bytes(std::span(&header_, 1)), 0);
    const std::size_t count = header_.num_elements(mapped_.bytes().size(), path);
    elements_ = {reinterpret_cast<const float*>(mapped_.bytes().data() + sizeof(raw_header)), count};
    shape_ = {header_.lengths, static_cast<std::size_t>(header_.rank)};
  }

  mapped_bytes mapped_;
  raw_header header_;
};

template <class Array>
class raw_contender : public array_contender {
public:
  raw_contender(std::string_view name, bool is_mapped) : name_(name), is_mapped_(is_mapped) {}

  std::string_view name() const override { return name_; }
  std::string_view format() const override { return "raw"; }
  bool is_mapped() const override { return is_mapped_; }
  void save(const std::string& path, const sample_source& source, durability wanted) const override {
    write_raw_array(path, source, wanted == durability::synced);
  }
  std::unique_ptr<open_array> open(const std::string& path) const override { return std::make_unique<Array>(path); }

private:
  std::string_view name_;
  bool is_mapped_;
};

// ---- FlatBuffers

class flat_array : public open_array {
public:
  explicit flat_array(const std::string& path) : mapped_(path) {
    const auto bytes = mapped_.bytes();
    if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE)
      throw std::runtime_error(path + ": is too large for a FlatBuffer");
    flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (!flat::VerifyArrayBuffer(verifier))
      throw std::runtime_error(path + ": is no FlatBuffer of an array");
    const auto* root = flat::GetArray(bytes.data());
    if (root->elements() == nullptr || root->shape() == nullptr)
      throw std::runtime_error(path + ": has no elements or no shape");
    elements_ = {root->elements()->data(), root->elements()->size()};
    shape_ = {root->shape()->data(), root->shape()->size()};
  }

private:
  mapped_bytes mapped_;
};

class flatbuffer_contender : public array_contender {
public:
  std::string_view name() const override { return "flatbuffer"; }
  std::string_view format() const override { return "flatbuffer"; }
  bool is_mapped() const override { return true; }
  std::optional<std::string> why_not(std::uint64_t size_bytes) const override {
    if (size_bytes + room < FLATBUFFERS_MAX_BUFFER_SIZE)
      return std::nullopt;
    return "a FlatBuffer is smaller than 2 GiB";
  }
  void save(const std::string& path, const sample_source& source, durability wanted) const override {
    if (const auto reason = why_not(source.size_bytes()))
      throw std::runtime_error(path + ": " + *reason);
    // As large as it gets, so that it never grows; elements are put where they will be.
    flatbuffers::FlatBufferBuilder builder(static_cast<std::size_t>(source.size_bytes()) + room);
    builder.ForceVectorAlignment(static_cast<std::size_t>(source.size()), sizeof(float), 64); // faster to copy
    float* place = nullptr;
    const auto elements = builder.CreateUninitializedVector<float>(static_cast<std::size_t>(source.size()), &place);
    source.for_each_piece([&](std::span<const float> piece) { place = std::ranges::copy(piece, place).out; });
    builder.Finish(flat::CreateArray(builder, builder.CreateVector(source.shape()), elements));
    const raw_descriptor out(path, O_WRONLY | O_CREAT | O_TRUNC);
    out.write_all(std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize())));
    if (wanted == durability::synced)
      out.sync();
  }
  std::unique_ptr<open_array> open(const std::string& path) const override {
    return std::make_unique<flat_array>(path);
  }

private:
  static constexpr std::size_t room = 1024; // for the table, the shape and alignment
};

// ---- Boost.Serialization

class boost_array : public open_array {
public:
  explicit boost_array(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in.is_open())
      throw std::runtime_error(path + ": cannot be opened");
    boost::archive::binary_iarchive archive(in);
    archive >> lengths_ >> values_;
    elements_ = values_;
    shape_ = lengths_;
  }

private:
  std::vector<std::uint64_t> lengths_;
  std::vector<float> values_;
};

class boost_contender : public array_contender {
public:
  std::string_view name() const override { return "boost_archive"; }
  std::string_view format() const override { return "boost"; }
  bool is_mapped() const override { return false; }
  void save(const std::string& path, const sample_source& source, durability wanted) const override {
    {
      std::vector<float> place;
      const std::vector<float>& values = in_memory(source, place);
      std::ofstream out(path, std::ios::binary);
      out.exceptions(std::ios::badbit | std::ios::failbit);
      {
        boost::archive::binary_oarchive archive(out);
        archive << source.shape() << values;
      }
      out.close();
    }
    if (wanted == durability::synced)
      sync_file(path);
  }
  std::unique_ptr<open_array> open(const std::string& path) const override {
    return std::make_unique<boost_array>(path);
  }
};

} // namespace

const std::vector<const array_contender*>& array_contenders() {
  static const petrify_contender petrify("petrify", petrify::residency::lazy);
  static const stream_contender stream_elements("stream_elements", naive::transfer::by_element);
  static const stream_contender stream_bulk("stream_bulk", naive::transfer::in_bulk);
  static const raw_contender<read_array> read_bulk("read_bulk", false);
  static const raw_contender<mapped_array> mmap_raw("mmap_raw", true);
  static const flatbuffer_contender flatbuffer;
  static const boost_contender boost_archive;
  static const std::vector<const array_contender*> all{&petrify,     &mmap_raw,      &flatbuffer,     &read_bulk,
                                                       &stream_bulk, &boost_archive, &stream_elements};
  return all;
}

const std::vector<const array_contender*>& petrify_modes() {
  static const petrify_contender prefault("petrify_prefault", petrify::residency::prefault);
  static const petrify_contender private_copy("petrify_private_copy", petrify::residency::private_copy);
  static const std::vector<const array_contender*> all{&prefault, &private_copy};
  return all;
}

const array_contender* find_contender(std::string_view name) {
  for (const auto* list : {&array_contenders(), &petrify_modes()})
    for (const array_contender* one : *list)
      if (one->name() == name)
        return one;
  return nullptr;
}

} // namespace bench
