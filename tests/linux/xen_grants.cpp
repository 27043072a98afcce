// SPDX-License-Identifier: Apache-2.0
// /dev/xen/gntalloc and /dev/xen/gntdev: pages that a domain grants to itself, mapped and copied.
#include "tests/linux/xen_devices.hpp"

#include <cerrno>
#include <cstring>

namespace xen_devices {

namespace {

// A request with a list behind it, whose type has one element of the list.
template <class Request>
class Listed {
  public:
    explicit Listed(size_t list_bytes)
        : words_((sizeof(Request) + list_bytes) / sizeof(uint64_t) + 1) {}
    void* memory() { return words_.data(); }
    Request* operator->() { return static_cast<Request*>(memory()); }

  private:
    std::vector<uint64_t> words_;
};

Listed<ioctl_gntdev_map_grant_ref> map_request(unsigned domain, const std::vector<uint32_t>& refs) {
    Listed<ioctl_gntdev_map_grant_ref> request{refs.size() * sizeof(ioctl_gntdev_grant_ref)};
    request->count = static_cast<uint32_t>(refs.size());
    for (size_t n = 0; n < refs.size(); ++n) {
        request->refs[n] = {.domid = domain, .ref = refs[n]};
    }
    return request;
}

}  // namespace

Offer::Offer(const Device& gntalloc, unsigned domain, size_t count, bool writable)
    : device_{gntalloc} {
    Listed<ioctl_gntalloc_alloc_gref> request{count * sizeof(uint32_t)};
    request->domid = static_cast<uint16_t>(domain);
    request->flags = writable ? GNTALLOC_FLAG_WRITABLE : 0;
    request->count = static_cast<uint32_t>(count);
    device_.control(IOCTL_GNTALLOC_ALLOC_GREF, request.memory(), "pages that are granted");
    index_ = request->index;
    refs_.assign(request->gref_ids, request->gref_ids + count);
    pages_.emplace(device_, index_, count);
    require(pages_->is_there(), "one's own pages");
}

Offer::~Offer() {
    ioctl_gntalloc_dealloc_gref request{index_, static_cast<uint32_t>(refs_.size())};
    device_.control(IOCTL_GNTALLOC_DEALLOC_GREF, &request, "grants that end");
}

Grants::Grants(const Device& gntdev, unsigned domain, const std::vector<uint32_t>& refs,
               bool writable)
    : device_{gntdev}, count_{static_cast<uint32_t>(refs.size())} {
    auto request = map_request(domain, refs);
    device_.control(IOCTL_GNTDEV_MAP_GRANT_REF, request.memory(), "grants that are named");
    index_ = request->index;
    errno = 0;
    pages_.emplace(device_, index_, refs.size(), writable);
}

Grants::~Grants() {
    pages_.reset();
    ioctl_gntdev_unmap_grant_ref request{index_, count_, 0};
    device_.control(IOCTL_GNTDEV_UNMAP_GRANT_REF, &request, "grants that are forgotten");
}

void Grants::notify_at_end(size_t byte, unsigned port) {
    ioctl_gntdev_unmap_notify request{index_ + byte,
                                      UNMAP_NOTIFY_CLEAR_BYTE | UNMAP_NOTIFY_SEND_EVENT, port};
    device_.control(IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &request, "word of the end");
}

namespace {

void see_each_other(const Pages& one, const Pages& other, size_t count) {
    for (size_t n = 0; n < count; ++n) {
        one.word(n) = 0x1000 + n;
        other.word(n, 1) = 0x2000 + n;
    }
    for (size_t n = 0; n < count; ++n) {
        require(other.word(n) == 0x1000 + n, "what the owner wrote");
        require(one.word(n, 1) == 0x2000 + n, "what the user wrote");
    }
}

void several_at_once(const Device& gntalloc, const Device& gntdev, unsigned self) {
    constexpr size_t count = 5;
    const Offer offer{gntalloc, self, count};
    const Grants grants{gntdev, self, offer.refs()};
    require(grants.pages().is_there(), "several grants at once");
    see_each_other(offer.pages(), grants.pages(), count);
    const Grants twice{gntdev, self, {offer.refs()[2]}, false};
    require(twice.pages().is_there() && twice.pages().word(0) == 0x1002, "a grant mapped twice");
}

void word_of_the_end(const Device& gntalloc, const Device& gntdev, unsigned self) {
    Events events;
    const unsigned offered = events.offer(self);
    const unsigned bound = events.bind(self, offered);
    events.take(bound, "a port that was just bound has an event");

    const Offer offer{gntalloc, self, 2};
    offer.pages().word(1) = ~uint64_t{0};
    {
        Grants grants{gntdev, self, offer.refs()};
        require(grants.pages().is_there(), "grants with an event");
        grants.notify_at_end(page + 3, bound);
        require(events.next(50) == 0, "no word before the end");
    }
    events.take(offered, "word of the end");
    require(offer.pages().word(1) == ~uint64_t{0xff000000}, "the byte that is cleared at the end");
    events.unbind(bound);
    events.unbind(offered);
}

void refusals(const Device& gntalloc, const Device& gntdev, unsigned self) {
    const Offer offer{gntalloc, self, 1, false};
    const Offer not_for_us{gntalloc, nobody, 1};
    const auto refused = [&](unsigned domain, const std::vector<uint32_t>& refs, bool writable) {
        const Grants grants{gntdev, domain, refs, writable};
        return !grants.pages().is_there();
    };
    const uint32_t good = offer.refs()[0];
    require(refused(self, {good}, true), "writing to a read-only grant");
    require(!refused(self, {good}, false), "reading a read-only grant");
    require(refused(self, {not_for_us.refs()[0]}, true), "a grant for somebody else");
    require(refused(self, {500}, true), "a grant that is not made");
    require(refused(self, {1U << 30}, true), "a grant that cannot be");
    require(refused(nobody, {good}, false), "a grant of nobody");
    require(refused(self, {good, 500, good}, false), "a grant between good ones");
    require(!refused(self, {good, good}, false), "good grants after all that");
}

void end_of_a_grant(const Device& gntalloc, const Device& gntdev, unsigned self) {
    uint32_t ref = 0;
    {
        const Offer offer{gntalloc, self, 1};
        ref = offer.refs()[0];
    }
    const Grants grants{gntdev, self, {ref}};
    require(!grants.pages().is_there(), "a grant that has ended");
}

// More of them than a domain has handles.
void give_back(const Device& gntalloc, const Device& gntdev, unsigned self) {
    const Offer offer{gntalloc, self, 8};
    for (size_t round = 0; round < 60; ++round) {
        const Grants grants{gntdev, self, offer.refs()};
        require(grants.pages().is_there(), "grants once more");
        grants.pages().word(7) = round;
        require(offer.pages().word(7) == round, "what was written once more");
    }
}

}  // namespace

void grants(unsigned self) {
    const Device gntalloc{"/dev/xen/gntalloc"};
    const Device gntdev{"/dev/xen/gntdev"};
    several_at_once(gntalloc, gntdev, self);
    word_of_the_end(gntalloc, gntdev, self);
    refusals(gntalloc, gntdev, self);
    end_of_a_grant(gntalloc, gntdev, self);
    give_back(gntalloc, gntdev, self);
}

void copies(unsigned self) {
    const Device gntalloc{"/dev/xen/gntalloc"};
    const Device gntdev{"/dev/xen/gntdev"};
    const Offer offer{gntalloc, self, 1};
    alignas(page) static char own[2 * page];
    offer.pages().word(0) = 0x1122334455667788;
    std::memcpy(own + page, "of our own", 11);

    // In; out, across a page of ours; and in the middle one that is no grant.
    std::vector<ioctl_gntdev_grant_copy_segment> segments(3);
    segments[0].source.foreign = {offer.refs()[0], 2, static_cast<domid_t>(self)};
    segments[0].dest.virt = own + 100;
    segments[0].len = 4;
    segments[0].flags = GNTCOPY_source_gref;
    segments[1] = segments[0];
    segments[1].source.foreign.ref = 500;
    segments[1].dest.virt = own + 200;
    segments[2].source.virt = own + page - 5;
    segments[2].dest.foreign = {offer.refs()[0], 2000, static_cast<domid_t>(self)};
    segments[2].len = 16;
    segments[2].flags = GNTCOPY_dest_gref;
    std::memcpy(own + page - 5, "part ", 5);
    ioctl_gntdev_grant_copy request{static_cast<unsigned>(segments.size()), segments.data()};
    gntdev.control(IOCTL_GNTDEV_GRANT_COPY, &request, "copies");

    require(segments[0].status == GNTST_okay && segments[2].status == GNTST_okay, "good copies");
    require(segments[1].status < 0, "a copy of what is not granted");
    require(std::memcmp(own + 100, "\x66\x55\x44\x33", 4) == 0, "what was copied in");
    require(own[200] == 0, "nothing comes of a bad copy");
    const auto* theirs = static_cast<const char*>(offer.pages().address());
    require(std::memcmp(theirs + 2000, "part of our own", 16) == 0, "what was copied out");
}

}  // namespace xen_devices
