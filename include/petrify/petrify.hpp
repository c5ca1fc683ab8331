// petrify: trained models and large arrays in files that are used in place.
//
// This header is for first use; each of the following stands alone.
#pragma once

#include <petrify/array.hpp>
#include <petrify/error.hpp>
#include <petrify/file.hpp>
#include <petrify/follower.hpp>
#include <petrify/forest.hpp>
#include <petrify/forest_builder.hpp>
#include <petrify/limits.hpp>
#include <petrify/predictor.hpp>
#include <petrify/residency.hpp>
#include <petrify/store.hpp>
#include <petrify/thread_pool.hpp>
#include <petrify/value.hpp>
#include <petrify/writer.hpp>
