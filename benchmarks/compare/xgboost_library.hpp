// The few functions of XGBoost's C API that are compared, from its library as it is loaded.
#pragma once

#include "shared_library.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>

namespace compare {

// Declared as xgboost/c_api.h does from 1.7 to 3.2.
struct xgboost_library {
  using handle = void*;

  explicit xgboost_library(const std::string& path)
      : library(path), version(library.function<void(int*, int*, int*)>("XGBoostVersion")),
        last_error(library.function<const char*()>("XGBGetLastError")),
        create(library.function<int(const handle*, std::uint64_t, handle*)>("XGBoosterCreate")),
        free(library.function<int(handle)>("XGBoosterFree")),
        load(library.function<int(handle, const char*)>("XGBoosterLoadModel")),
        set(library.function<int(handle, const char*, const char*)>("XGBoosterSetParam")),
        create_proxy(library.function<int(handle*)>("XGProxyDMatrixCreate")),
        free_matrix(library.function<int(handle)>("XGDMatrixFree")),
        predict_dense(library.function<int(handle, const char*, const char*, handle, const std::uint64_t**,
                                           std::uint64_t*, const float**)>("XGBoosterPredictFromDense")) {}

  void require(int status) const {
    if (status != 0)
      throw std::runtime_error(std::string("XGBoost: ") + last_error());
  }

  std::string version_text() const {
    int major = 0;
    int minor = 0;
    int patch = 0;
    version(&major, &minor, &patch);
    return std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(patch);
  }
  // What convert_models.py made for this release: 3.1 began to write base scores as a list, which older ones cannot
  // read.
  const char* extension() const {
    int major = 0;
    int minor = 0;
    int patch = 0;
    version(&major, &minor, &patch);
    return major > 3 || (major == 3 && minor >= 1) ? ".ubj" : ".xgboost_1.json";
  }

  shared_library library;
  void (*version)(int*, int*, int*);
  const char* (*last_error)();
  int (*create)(const handle*, std::uint64_t, handle*);
  int (*free)(handle);
  int (*load)(handle, const char*);
  int (*set)(handle, const char*, const char*);
  int (*create_proxy)(handle*);
  int (*free_matrix)(handle);
  int (*predict_dense)(handle, const char*, const char*, handle, const std::uint64_t**, std::uint64_t*, const float**);
};

// The object through which a prediction without a DMatrix takes its rows; kept, it need not be made for each call.
class xgboost_proxy {
public:
  explicit xgboost_proxy(const xgboost_library& of) : xgboost_(of) { of.require(of.create_proxy(&proxy_)); }
  xgboost_proxy(const xgboost_proxy&) = delete;
  xgboost_proxy& operator=(const xgboost_proxy&) = delete;
  ~xgboost_proxy() { xgboost_.free_matrix(proxy_); }
  xgboost_library::handle get() const { return proxy_; }

private:
  const xgboost_library& xgboost_;
  xgboost_library::handle proxy_ = nullptr;
};

// A row-major matrix as XGBoost takes it: numpy's array interface, as JSON.
inline std::string dense_matrix_text(const float* data, std::size_t num_rows, std::size_t num_columns) {
  return R"({"data": [)" + std::to_string(reinterpret_cast<std::uintptr_t>(data)) + R"(, true], "shape": [)" +
         std::to_string(num_rows) + ", " + std::to_string(num_columns) + R"(], "typestr": "<f4", "version": 3})";
}

class xgboost_booster {
public:
  xgboost_booster(const xgboost_library& of, const std::string& path) : xgboost_(of) {
    of.require(of.create(nullptr, 0, &booster_));
    of.require(of.set(booster_, "nthread", "1"));
    of.require(of.load(booster_, path.c_str()));
  }
  xgboost_booster(const xgboost_booster&) = delete;
  xgboost_booster& operator=(const xgboost_booster&) = delete;
  ~xgboost_booster() { xgboost_.free(booster_); }

  void set(const char* name, const std::string& value) {
    xgboost_.require(xgboost_.set(booster_, name, value.c_str()));
  }
  // Margins of a matrix, as dense_matrix_text describes it. `scores` is XGBoost's until the next call.
  void predict(const std::string& matrix_text, const xgboost_proxy& proxy, const float*& scores,
               std::uint64_t& num_scores) {
    static constexpr const char* margins = R"({"type": 1, "training": false, "iteration_begin": 0, "iteration_end": 0,
                                               "strict_shape": false, "missing": NaN, "cache_id": 0})";
    const std::uint64_t* shape = nullptr;
    std::uint64_t rank = 0;
    xgboost_.require(
        xgboost_.predict_dense(booster_, matrix_text.c_str(), margins, proxy.get(), &shape, &rank, &scores));
    num_scores = 1;
    for (std::uint64_t i = 0; i < rank; ++i)
      num_scores *= shape[i];
  }

private:
  const xgboost_library& xgboost_;
  xgboost_library::handle booster_ = nullptr;
};

} // namespace compare
