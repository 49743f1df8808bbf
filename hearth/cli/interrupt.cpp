#include "hearth/cli/interrupt.h"

#include <semaphore.h>
#include <signal.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "hearth/base/error.h"

namespace hearth::cli {
namespace {

// A signal handler may touch little more than these; the thread below does the rest.
sem_t g_signalled;
std::atomic<bool> g_interrupted{false};
std::atomic<bool> g_leaving{false};
std::mutex g_mutex;
std::stop_source g_source;  // guarded by g_mutex
struct sigaction g_previous;
std::thread g_watcher;

void on_interrupt(int) {
  g_interrupted.store(true);
  sem_post(&g_signalled);
}

void watch() {
  while (true) {
    while (sem_wait(&g_signalled) != 0) continue;
    if (g_leaving.load()) return;
    const std::lock_guard lock(g_mutex);
    if (g_interrupted.load()) g_source.request_stop();  // not when arm() has come in between
  }
}

sigset_t interrupt_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

InterruptWatch::InterruptWatch() {
  HEARTH_CHECK(!g_watcher.joinable());
  sem_init(&g_signalled, 0, 0);
  g_leaving.store(false);
  arm();
  {
    const SignalsBlocked blocked;
    g_watcher = std::thread(watch);
  }
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, &g_previous);
}

InterruptWatch::~InterruptWatch() {
  sigaction(SIGINT, &g_previous, nullptr);
  g_leaving.store(true);
  sem_post(&g_signalled);
  g_watcher.join();
  g_watcher = {};
  sem_destroy(&g_signalled);
}

std::stop_token InterruptWatch::arm() {
  const std::lock_guard lock(g_mutex);
  g_interrupted.store(false);
  g_source = {};
  return g_source.get_token();
}

bool InterruptWatch::interrupted() const { return g_interrupted.load(); }

SignalsBlocked::SignalsBlocked() {
  const sigset_t set = interrupt_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

SignalsBlocked::~SignalsBlocked() {
  const sigset_t set = interrupt_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace hearth::cli
