// Signals that a thread of the library's own does not take.
#pragma once

#include <petrify/version.hpp>

#include <csignal>

#include <pthread.h>

namespace petrify::inline v0 {

// For as long as it lives this thread takes no signal, nor does a thread that it starts, ever: signals are for the
// program's own threads. Those of a fault are taken: blocked, they would kill the process past its handlers.
class blocked_signals {
public:
  blocked_signals() noexcept {
    sigset_t blocked;
    ::sigfillset(&blocked);
    for (const int fault : {SIGBUS, SIGSEGV, SIGFPE, SIGILL})
      ::sigdelset(&blocked, fault);
    ::pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }
  blocked_signals(const blocked_signals&) = delete;
  blocked_signals& operator=(const blocked_signals&) = delete;
  ~blocked_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_;
};

} // namespace petrify::inline v0
