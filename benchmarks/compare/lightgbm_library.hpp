// The few functions of LightGBM's C API that are compared, from its library as it is loaded.
#pragma once

#include "shared_library.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>

namespace compare {

// Declared as LightGBM/c_api.h of 4.7 does.
struct lightgbm_library {
  using handle = void*;
  static constexpr int float32 = 0;
  static constexpr int raw_score = 1;
  static constexpr int row_major = 1;
  static constexpr int all_iterations = -1;

  explicit lightgbm_library(const std::string& path)
      : library(path), last_error(library.function<const char*()>("LGBM_GetLastError")),
        load(library.function<int(const char*, int*, handle*)>("LGBM_BoosterCreateFromModelfile")),
        free(library.function<int(handle)>("LGBM_BoosterFree")),
        predict(library.function<int(handle, const void*, int, std::int32_t, std::int32_t, int, int, int, int,
                                     const char*, std::int64_t*, double*)>("LGBM_BoosterPredictForMat")),
        init_fast(library.function<int(handle, int, int, int, int, std::int32_t, const char*, handle*)>(
            "LGBM_BoosterPredictForMatSingleRowFastInit")),
        predict_fast(library.function<int(handle, const void*, std::int64_t*, double*)>(
            "LGBM_BoosterPredictForMatSingleRowFast")),
        free_fast(library.function<int(handle)>("LGBM_FastConfigFree")) {}

  void require(int status) const {
    if (status != 0)
      throw std::runtime_error(std::string("LightGBM: ") + last_error());
  }

  shared_library library;
  const char* (*last_error)();
  int (*load)(const char*, int*, handle*);
  int (*free)(handle);
  int (*predict)(handle, const void*, int, std::int32_t, std::int32_t, int, int, int, int, const char*, std::int64_t*,
                 double*);
  int (*init_fast)(handle, int, int, int, int, std::int32_t, const char*, handle*);
  int (*predict_fast)(handle, const void*, std::int64_t*, double*);
  int (*free_fast)(handle);
};

class lightgbm_booster {
public:
  lightgbm_booster(const lightgbm_library& of, const std::string& path, std::size_t num_columns)
      : lightgbm_(of), num_columns_(static_cast<std::int32_t>(num_columns)) {
    int iterations = 0;
    of.require(of.load(path.c_str(), &iterations, &booster_));
    of.require(
        of.init_fast(booster_, of.raw_score, 0, of.all_iterations, of.float32, num_columns_, "num_threads=1", &fast_));
  }
  lightgbm_booster(const lightgbm_booster&) = delete;
  lightgbm_booster& operator=(const lightgbm_booster&) = delete;
  ~lightgbm_booster() {
    lightgbm_.free_fast(fast_);
    lightgbm_.free(booster_);
  }

  void predict_row(const float* row, double* scores) {
    std::int64_t num_scores = 0;
    lightgbm_.require(lightgbm_.predict_fast(fast_, row, &num_scores, scores));
  }
  // `parameters`: "num_threads=2".
  void predict(const float* rows, std::size_t num_rows, const char* parameters, double* scores) {
    std::int64_t num_scores = 0;
    lightgbm_.require(lightgbm_.predict(booster_, rows, lightgbm_.float32, static_cast<std::int32_t>(num_rows),
                                        num_columns_, lightgbm_.row_major, lightgbm_.raw_score, 0,
                                        lightgbm_.all_iterations, parameters, &num_scores, scores));
  }

private:
  const lightgbm_library& lightgbm_;
  std::int32_t num_columns_;
  lightgbm_library::handle booster_ = nullptr;
  lightgbm_library::handle fast_ = nullptr;
};

} // namespace compare
