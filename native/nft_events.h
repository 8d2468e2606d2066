// Events of nf_tables: sockets that listen to its multicast groups, and the one thread per environment that reads them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "byte_buffer.h"
#include "failure.h"
#include "netlink_socket.h"
#include "nft_generation.h"
#include "unique_fd.h"

namespace nflink {

/** Stands in EventBatch::index where messages were lost. */
inline constexpr uint32_t kOverrun = UINT32_MAX;

struct EventBatch {
  ByteBuffer data;              // whole messages back to back, 4-byte aligned
  std::vector<uint32_t> index;  // offset of each, or kOverrun
};

/**
 * One subscription: a socket and a bounded queue. The event thread fills it, the JavaScript thread empties it.
 *
 * What may be lost, and what an overrun therefore promises: whoever reads the ruleset anew after taking the marker has
 * seen every change whose message was lost. Hence the marker of a full socket is set only when that has been emptied
 * (the kernel delivers nothing to a congested socket until then, and does not say so twice: netlink_overrun() in
 * net/netlink/af_netlink.c), and that of a full queue stands at its end until it is taken.
 */
class EventStream {
 public:
  struct Options {
    bool commits = false;  // NFNLGRP_NFTABLES
    bool traces = false;   // NFNLGRP_NFTRACE
    size_t receive_bytes = 0;
    size_t queue_bytes = 0;
  };

  /** Opens and subscribes, in the namespace or without one in the process's own. Before anybody else knows the stream.
   */
  MaybeFailure open(const UniqueFd& namespace_fd, const Options& options);

  /** Whether there is something to take. When there isn't, the event thread notifies as soon as there is. JavaScript
   * thread. */
  bool want();
  /** Everything that is queued, or false as want(). JavaScript thread. */
  bool take(EventBatch& batch);
  /** As take(), of what is there within the time; whoever want()s still does. JavaScript thread. */
  bool take_within(std::chrono::milliseconds time, EventBatch& batch);
  /** Nobody waits any more. JavaScript thread. */
  void forget();

  /** The generation now, on a socket of its own: whatever else is at work. JavaScript thread. */
  GenerationReply generation() { return ask_generation(asking_); }

  /** Reads what is there, for a while. True when somebody waits for what is queued now. Event thread. */
  bool receive() noexcept;
  int fd() const { return socket_.fd(); }
  /** When the JavaScript thread has given the stream up. Event thread, or after its end. */
  void close() {
    socket_.close();
    asking_.close();
  }

 private:
  bool receive_one() noexcept;
  void keep(size_t length);
  void lose() noexcept;
  void hand_over(EventBatch& batch);
  bool queued() const { return !batch_.index.empty() || unmarked_; }

  NetlinkSocket socket_;  // the event thread's
  NetlinkSocket asking_;  // the JavaScript thread's, until close()
  uint8_t* scratch_ = nullptr;
  size_t queue_bytes_ = 0;

  std::mutex mutex_;
  // The members below need the mutex.
  std::condition_variable came_;  // something is queued
  EventBatch batch_;
  bool wanted_ = false;
  bool full_ = false;       // the queue took no more; until it is taken
  bool congested_ = false;  // the socket took no more; until it is empty
  size_t discarded_ = 0;    // bytes read since then
  bool unmarked_ = false;   // an overrun that there was no memory to mark
};

/** Reads all streams of one environment. */
class EventThread {
 public:
  /** `notify` is called on the thread when a stream has what somebody waits for. It must not throw. */
  explicit EventThread(std::function<void()> notify) : notify_(std::move(notify)) {}
  EventThread(const EventThread&) = delete;
  EventThread& operator=(const EventThread&) = delete;
  ~EventThread() { stop(); }

  MaybeFailure start();
  MaybeFailure add(const std::shared_ptr<EventStream>& stream);
  /** Closes the stream, on the thread: close(2) of a netlink socket may wait long. */
  void remove(const std::shared_ptr<EventStream>& stream) noexcept;
  /** Ends and joins the thread. Streams are closed by then. May be repeated. */
  void stop() noexcept;

 private:
  struct Entry {
    std::shared_ptr<EventStream> stream;
    bool closing = false;
  };

  void run() noexcept;
  /** Closes what is to be closed; false when the thread is to end. */
  bool tidy() noexcept;
  void wake() noexcept;

  const std::function<void()> notify_;
  UniqueFd epoll_;
  UniqueFd wake_;
  std::thread thread_;

  std::mutex mutex_;
  // The members below need the mutex.
  std::vector<Entry> streams_;
  bool stopping_ = false;
};

}  // namespace nflink
