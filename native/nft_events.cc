// Events of nf_tables.
#include "nft_events.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include "netns.h"

namespace nflink {
namespace {

/** How many datagrams of one socket are read before the others get their turn. */
constexpr int kDatagramsATurn = 64;

}  // namespace

// ---- one stream

MaybeFailure EventStream::open(const UniqueFd& namespace_fd, const Options& options) {
  const auto open_socket = [this, &options]() -> MaybeFailure {
    if (auto failure = socket_.open()) return failure;
    // Before joining: what comes in between already needs the room.
    socket_.resize_receive(options.receive_bytes);
    if (options.commits) {
      if (auto failure = socket_.join(NFNLGRP_NFTABLES)) return failure;
    }
    if (options.traces) {
      if (auto failure = socket_.join(NFNLGRP_NFTRACE)) return failure;
    }
    return asking_.open();
  };
  queue_bytes_ = options.queue_bytes;
  scratch_ = socket_.scratch();
  return namespace_fd ? netns::run_in(namespace_fd.get(), open_socket) : open_socket();
}

bool EventStream::want() {
  const std::lock_guard lock(mutex_);
  wanted_ = true;
  return queued();
}

bool EventStream::take(EventBatch& batch) {
  const std::lock_guard lock(mutex_);
  if (!queued()) {
    wanted_ = true;
    return false;
  }
  hand_over(batch);
  wanted_ = false;
  return true;
}

bool EventStream::take_within(std::chrono::milliseconds time, EventBatch& batch) {
  std::unique_lock lock(mutex_);
  const auto something = [this] { return queued(); };
  // Waiting for no time at all takes the kernel's timer slack, 50 µs.
  if (time == time.zero() ? !something() : !came_.wait_for(lock, time, something)) return false;
  hand_over(batch);
  return true;
}

void EventStream::hand_over(EventBatch& batch) {
  if (unmarked_) {
    batch_.index.push_back(kOverrun);
    unmarked_ = false;
  }
  batch = std::exchange(batch_, EventBatch());
  full_ = false;
}

void EventStream::forget() {
  const std::lock_guard lock(mutex_);
  wanted_ = false;
}

bool EventStream::receive() noexcept {
  for (int i = 0; i < kDatagramsATurn; ++i) {
    // Released in between: the JavaScript thread never waits for more than one datagram.
    const std::lock_guard lock(mutex_);
    if (!receive_one()) break;
  }
  const std::lock_guard lock(mutex_);
  // Not at each datagram: whoever waits wants the whole commit.
  if (queued()) came_.notify_one();
  return wanted_ && queued();
}

/** False when nothing is left to read. */
bool EventStream::receive_one() noexcept {
  uint8_t* place = scratch_;
  if (!congested_ && !full_) {
    try {
      place = batch_.data.reserve(kReceiveRoom);
    } catch (const std::bad_alloc&) {
      full_ = true;
      lose();
    }
  }
  const auto received = socket_.receive(place, kReceiveRoom);
  switch (received.error) {
    case 0:
      break;
    case EINTR:
      return true;
    case ENOBUFS:
      congested_ = true;
      discarded_ = 0;
      return true;
    default:
      if (std::exchange(congested_, false) || received.error != EAGAIN) lose();
      return false;
  }

  if (congested_) {
    // What was queued before the loss can't be told from what came after it. A socket that never runs dry is past its
    // loss once more was read than it can have held.
    discarded_ += received.length;
    if (discarded_ > socket_.receive_buffer() + kReceiveRoom) {
      congested_ = false;
      lose();
    }
  } else if (!full_) {
    try {
      keep(received.length);
    } catch (const std::bad_alloc&) {
      full_ = true;
      lose();
    }
  }
  return true;
}

/** Indexes the messages of the datagram that lies behind the queue's content. */
void EventStream::keep(size_t length) {
  const size_t start = batch_.data.size();
  if (start + length > queue_bytes_) {
    full_ = true;
    lose();
    return;
  }
  const size_t messages = batch_.index.size();
  int left = static_cast<int>(length);
  uint8_t* place = batch_.data.data() + start;
  try {
    for (auto* message = reinterpret_cast<nlmsghdr*>(place); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      if (NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_NFTABLES || message->nlmsg_type < NLMSG_MIN_TYPE ||
          mnl_nlmsg_get_payload_len(message) < sizeof(nfgenmsg)) {
        continue;
      }
      const auto offset = static_cast<size_t>(reinterpret_cast<uint8_t*>(message) - place);
      batch_.index.push_back(static_cast<uint32_t>(start + offset));
    }
  } catch (const std::bad_alloc&) {
    batch_.index.resize(messages);
    throw;
  }
  if (batch_.index.size() > messages) batch_.data.resize(start + NLMSG_ALIGN(length));
}

void EventStream::lose() noexcept {
  if (!batch_.index.empty() && batch_.index.back() == kOverrun) return;
  try {
    batch_.index.push_back(kOverrun);
  } catch (const std::bad_alloc&) {
    unmarked_ = true;
  }
}

// ---- the thread

MaybeFailure EventThread::start() {
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return Failure{"epoll_create1", errno};
  wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) return Failure{"eventfd", errno};
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) return Failure{"epoll_ctl", errno};

  // No handler of the process's signals runs on our thread.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  if (const int error = ::pthread_sigmask(SIG_SETMASK, &all, &before)) return Failure{"pthread_sigmask", error};
  MaybeFailure failure;
  try {
    thread_ = std::thread([this]() noexcept { run(); });
  } catch (const std::system_error& error) {
    failure = Failure{"pthread_create", error.code().value()};
  } catch (const std::bad_alloc&) {
    failure = Failure{"malloc", ENOMEM};
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return failure;
}

MaybeFailure EventThread::add(const std::shared_ptr<EventStream>& stream) {
  const std::lock_guard lock(mutex_);
  streams_.push_back({stream});
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = stream.get();
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stream->fd(), &event) != 0) {
    const int error = errno;
    streams_.pop_back();
    return Failure{"epoll_ctl", error};
  }
  return std::nullopt;
}

void EventThread::remove(const std::shared_ptr<EventStream>& stream) noexcept {
  {
    const std::lock_guard lock(mutex_);
    const auto entry =
        std::find_if(streams_.begin(), streams_.end(), [&stream](const Entry& e) { return e.stream == stream; });
    if (entry == streams_.end()) return;
    entry->closing = true;
  }
  wake();
}

void EventThread::stop() noexcept {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
  thread_.join();
  for (const auto& entry : streams_) entry.stream->close();
  streams_.clear();
}

void EventThread::wake() noexcept {
  const uint64_t one = 1;
  // Fails only when the count is at its limit, and then the thread is awake.
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

void EventThread::run() noexcept {
  std::array<epoll_event, 32> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) return;
    bool woken = false;
    bool wanted = false;
    for (int i = 0; i < count; ++i) {
      // Only this thread takes streams out, of the epoll set first, and after this loop: the pointer is good.
      auto* stream = static_cast<EventStream*>(events[static_cast<size_t>(i)].data.ptr);
      if (stream == nullptr) {
        woken = true;
      } else if (stream->receive()) {
        wanted = true;
      }
    }
    if (wanted) notify_();
    if (woken && !tidy()) return;
  }
}

bool EventThread::tidy() noexcept {
  uint64_t count;
  static_cast<void>(!::read(wake_.get(), &count, sizeof count));
  for (;;) {
    std::shared_ptr<EventStream> stream;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return false;
      const auto entry = std::find_if(streams_.begin(), streams_.end(), [](const Entry& e) { return e.closing; });
      if (entry == streams_.end()) return true;
      stream = std::move(entry->stream);
      streams_.erase(entry);
    }
    // By itself a descriptor leaves the epoll set only when its last copy is closed, and a child between fork and exec
    // has one.
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stream->fd(), nullptr);
    // Without the mutex, since it may take long.
    stream->close();
  }
}

}  // namespace nflink
