// SPDX-License-Identifier: Apache-2.0
// READ, WRITE, MKDIR, RM, DIRECTORY and DIRECTORY_PART: what they do, and who may.
#include "domb/services/xenstore/server.hpp"

namespace xenstore {
namespace {

// What a client learns about a node that it cannot use: that it does not exist only if it could use
// it otherwise.
Done check_exists(const View::Found& found, bool is_allowed) {
    if (!is_allowed) {
        return hv::Err{Error::Denied};
    }
    if (!found.exists) {
        return hv::Err{Error::NotFound};
    }
    return hv::Ok{};
}

// The part of a directory's children that starts at a byte of their list.
struct Part {
    size_t offset;
    size_t taken = 0;  // whole names and their NULs
    size_t total = 0;
    bool is_full = false;
};

}  // namespace

Result<Path> Server::parse_path(Call& call, std::string_view text, PathBuffer& buffer) {
    return Path::parse(text, clients_[call.client].domain, buffer);
}

// A node that the caller may read.
Result<View::Found> Server::find_readable(Call& call, View& view, std::string_view given) {
    PathBuffer buffer;
    const Path path = TRY(parse_path(call, given, buffer));
    const View::Found found = TRY(view.find(path.text()));
    TRY(check_exists(found, may_read(sessions_[call.client].actor, found.permissions)));
    return found;
}

Done Server::read(Call& call, View& view) {
    const std::string_view given = TRY(call.payload.last_string());
    const View::Found found = TRY(find_readable(call, view, given));
    return call.reply.put(memory_, view.value(found));
}

Done Server::directory(Call& call, View& view) {
    const std::string_view given = TRY(call.payload.last_string());
    const View::Found found = TRY(find_readable(call, view, given));
    bool fits = true;
    view.for_each_child(found, [&](Bytes name) {
        fits = fits && call.reply.put(memory_, name).ok() && call.reply.put_string("").ok();
    });
    if (!fits) {
        return hv::Err{Error::TooBig};
    }
    return hv::Ok{};
}

Done Server::directory_part(Call& call, View& view) {
    const std::string_view given = TRY(call.payload.string());
    Part part{.offset = TRY(call.payload.number())};
    TRY(call.payload.end());
    const View::Found found = TRY(find_readable(call, view, given));
    hv::TextOf<20> generation;
    generation.dec(view.generation(found));
    TRY(call.reply.put_string(generation.view()));
    view.for_each_child(found, [&](Bytes name) {
        const size_t start = part.total;
        part.total += name.size() + 1;
        part.is_full =
            part.is_full || (start >= part.offset && name.size() + 1 > call.reply.room());
        if (start >= part.offset && !part.is_full) {
            ASSERT(call.reply.put(memory_, name).ok() && call.reply.put_string("").ok());
            part.taken += name.size() + 1;
        }
    });
    if (part.offset > part.total) {
        return hv::Err{Error::Invalid};
    }
    // An empty name is the end of the list; without room for it, it comes as a part of its own.
    if (!part.is_full && part.offset + part.taken == part.total && call.reply.room() != 0) {
        TRY(call.reply.put_string(""));
    }
    return hv::Ok{};
}

Done Server::write(Call& call, View& view) {
    PathBuffer buffer;
    const std::string_view given = TRY(call.payload.string());
    const Path path = TRY(parse_path(call, given, buffer));
    const std::string_view value = call.payload.rest();
    const Session& session = sessions_[call.client];
    if (session.exceeds(static_cast<uint32_t>(value.size()),
                        memory_.accounts[session.account].quota.node_size)) {
        return hv::Err{Error::NoSpace};
    }
    const View::Found found = TRY(view.find(path.text()));
    if (!may_write(session.actor, found.permissions)) {
        return hv::Err{Error::Denied};
    }
    if (found.exists) {
        TRY(view.set_value(found, value));
    } else {
        TRY(view.create(path, session.actor, value));
    }
    return call.reply.put_ok();
}

Done Server::make_directory(Call& call, View& view) {
    PathBuffer buffer;
    const std::string_view given = TRY(call.payload.last_string());
    const Path path = TRY(parse_path(call, given, buffer));
    const Session& session = sessions_[call.client];
    const View::Found found = TRY(view.find(path.text()));
    if (!may_write(session.actor, found.permissions)) {
        return hv::Err{Error::Denied};
    }
    if (!found.exists) {
        TRY(view.create(path, session.actor, {}));
    }
    return call.reply.put_ok();
}

Done Server::remove(Call& call, View& view) {
    PathBuffer buffer;
    const std::string_view given = TRY(call.payload.last_string());
    const Path path = TRY(parse_path(call, given, buffer));
    if (path.is_root()) {
        return hv::Err{Error::Invalid};
    }
    const View::Found found = TRY(view.find(path.text()));
    if (!may_write(sessions_[call.client].actor, found.permissions)) {
        return hv::Err{Error::Denied};
    }
    if (found.exists) {
        view.remove(found);
        return call.reply.put_ok();
    }
    // A node that is not there is as it should be, if it could be.
    const size_t end = path.text().rfind('/');
    const std::string_view parent = path.text().substr(0, std::max<size_t>(end, 1));
    if (!TRY(view.find(parent)).exists) {
        return hv::Err{Error::NotFound};
    }
    return call.reply.put_ok();
}

}  // namespace xenstore
