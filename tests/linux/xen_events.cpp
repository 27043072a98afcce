// SPDX-License-Identifier: Apache-2.0
// /dev/xen/evtchn: ports between a domain and itself.
#include "tests/linux/xen_devices.hpp"

#include <cerrno>

#include <poll.h>
#include <unistd.h>

namespace xen_devices {

unsigned Events::offer(unsigned domain) {
    ioctl_evtchn_bind_unbound_port request{domain};
    return static_cast<unsigned>(
        device_.control(IOCTL_EVTCHN_BIND_UNBOUND_PORT, &request, "a port that is offered"));
}

unsigned Events::bind(unsigned domain, unsigned port) {
    ioctl_evtchn_bind_interdomain request{domain, port};
    return static_cast<unsigned>(
        device_.control(IOCTL_EVTCHN_BIND_INTERDOMAIN, &request, "a port that is bound"));
}

void Events::notify(unsigned port) {
    ioctl_evtchn_notify request{port};
    device_.control(IOCTL_EVTCHN_NOTIFY, &request, "a notification");
}

void Events::unbind(unsigned port) {
    ioctl_evtchn_unbind request{port};
    device_.control(IOCTL_EVTCHN_UNBIND, &request, "a port that is given back");
}

unsigned Events::next(int milliseconds) {
    pollfd waits{.fd = device_.fd(), .events = POLLIN, .revents = 0};
    if (poll(&waits, 1, milliseconds) != 1) {
        return 0;
    }
    require((waits.revents & POLLIN) != 0, "the event device is in order");
    uint32_t port = 0;
    require(read(device_.fd(), &port, sizeof(port)) == sizeof(port), "a port is read");
    return port;
}

void Events::unmask(unsigned port) {
    const uint32_t word = port;
    require(write(device_.fd(), &word, sizeof(word)) == sizeof(word), "a port is unmasked");
}

void Events::take(unsigned port, const char* what) {
    constexpr int long_enough = 60'000;
    require(next(long_enough) == port, what);
    unmask(port);
}

namespace {

constexpr int moment = 50;

// Whoever binds finds the port pending, as on Xen.
void take_first(Events& device, unsigned ours) {
    device.take(ours, "a port that was just bound has an event");
    require(device.next(moment) == 0, "and no other");
}

void refusals(Events& device, unsigned self, unsigned in_use) {
    ioctl_evtchn_bind_interdomain no_port{self, 1000};
    ioctl_evtchn_bind_interdomain beyond{self, 1U << 20};
    ioctl_evtchn_bind_interdomain taken{self, in_use};
    ioctl_evtchn_bind_interdomain no_domain{nobody, 1};
    const Device& events = device.device();
    events.refuse(IOCTL_EVTCHN_BIND_INTERDOMAIN, &no_port, EINVAL, "a port that nobody offers");
    events.refuse(IOCTL_EVTCHN_BIND_INTERDOMAIN, &beyond, EINVAL, "a port that cannot be");
    events.refuse(IOCTL_EVTCHN_BIND_INTERDOMAIN, &taken, EINVAL, "a port that is bound already");
    events.refuse(IOCTL_EVTCHN_BIND_INTERDOMAIN, &no_domain, ESRCH, "a port of nobody");
    ioctl_evtchn_bind_virq no_virq{100};
    events.refuse(IOCTL_EVTCHN_BIND_VIRQ, &no_virq, EINVAL, "a VIRQ that cannot be");
    ioctl_evtchn_notify not_ours{1000};
    events.refuse(IOCTL_EVTCHN_NOTIFY, &not_ours, ENOTCONN, "a notification of no port");
}

// More of them than a domain has ports.
void give_back(Events& device, unsigned self) {
    constexpr unsigned rounds = 1100;
    for (unsigned n = 0; n < rounds; ++n) {
        device.unbind(device.offer(self));
    }
}

}  // namespace

void events(unsigned self) {
    Events device;
    const unsigned offered = device.offer(self);
    const unsigned bound = device.bind(self, offered);
    require(offered != 0 && bound != 0 && offered != bound, "two ports");
    take_first(device, bound);

    device.notify(bound);
    require(device.next(60'000) == offered, "the port that was notified");
    device.notify(bound);
    require(device.next(moment) == 0, "no event while the port is masked");
    device.unmask(offered);
    device.take(offered, "the event that came meanwhile");
    require(device.next(moment) == 0, "no event without a notification");
    device.notify(offered);
    device.take(bound, "an event in the other direction");

    refusals(device, self, offered);
    device.unbind(offered);
    device.notify(bound);  // to nobody, and no error
    device.unbind(bound);
    ioctl_evtchn_unbind again{bound};
    device.device().refuse(IOCTL_EVTCHN_UNBIND, &again, ENOTCONN, "a port that is not bound");
    give_back(device, self);
}

}  // namespace xen_devices
