// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/initial_tree.hpp"

#include "hv/abi/xenstore_tree.hpp"
#include "hv/base/reader.hpp"

namespace xenstore {
namespace {

using Loaded = hv::Result<void, TreeFault>;

struct Record {
    std::string_view path;
    std::string_view value;
    PermissionList permissions;
};

hv::Result<std::string_view, TreeFault> take_text(hv::Reader& reader, size_t size) {
    const auto bytes = reader.take(size);
    if (!bytes.ok()) {
        return hv::Err{TreeFault::Truncated};
    }
    // SAFETY: bytes as characters.
    return std::string_view{reinterpret_cast<const char*>(bytes.value().data()), size};
}

template <std::unsigned_integral T>
hv::Result<T, TreeFault> take_number(hv::Reader& reader) {
    const auto number = reader.read_le<T>();
    if (!number.ok()) {
        return hv::Err{TreeFault::Truncated};
    }
    return T{number.value()};
}

hv::Result<Permission, TreeFault> take_permission(hv::Reader& reader) {
    const auto domain = TRY(take_number<uint16_t>(reader));
    const auto letter = TRY(take_number<uint8_t>(reader));
    const auto zero = TRY(take_number<uint8_t>(reader));
    const auto access = access_of(static_cast<char>(letter));
    if (!access || zero != 0) {
        return hv::Err{TreeFault::BadPermission};
    }
    return Permission{.domain = hv::DomainId{domain}, .access = *access};
}

hv::Result<Record, TreeFault> take_record(hv::Reader& reader) {
    const auto path_bytes = TRY(take_number<uint16_t>(reader));
    const auto value_bytes = TRY(take_number<uint16_t>(reader));
    const auto permission_count = TRY(take_number<uint16_t>(reader));
    static_assert(hv::abi::xenstore_tree_max_permissions == max_permissions);
    if (permission_count == 0 || permission_count > max_permissions) {
        return hv::Err{TreeFault::BadPermission};
    }
    Record record;
    for (uint16_t i = 0; i < permission_count; ++i) {
        ASSERT(record.permissions.push(TRY(take_permission(reader))).ok());
    }
    record.path = TRY(take_text(reader, path_bytes));
    record.value = TRY(take_text(reader, value_bytes));
    return record;
}

Loaded add_node(Store& store, const Record& record) {
    PathBuffer buffer;
    const auto path = Path::parse(record.path, {}, buffer);
    if (!path.ok() || path.value().prefix_size() != 0) {
        return hv::Err{TreeFault::BadPath};
    }
    const bool is_root = path.value().is_root();
    if (is_root && record.permissions[0].domain != hv::DomainId{}) {
        return hv::Err{TreeFault::BadPermission};
    }
    if (!is_root) {
        if (store.find(record.path).is_it) {
            return hv::Err{TreeFault::Duplicate};
        }
        if (!store.create(path.value(), {.is_privileged = true}, {}).ok()) {
            return hv::Err{TreeFault::NoRoom};
        }
    }
    const Block node = store.find(record.path).node;
    if (!store.set_permissions(node, record.permissions).ok() ||
        !store.set_value(node, record.value).ok()) {
        return hv::Err{TreeFault::NoRoom};
    }
    return hv::Ok{};
}

Loaded load_one(Server& server, hv::Reader& reader) {
    const Record record = TRY(take_record(reader));
    PermissionList* const readers = server.special_readers(record.path);
    if (readers == nullptr) {
        return add_node(server.store(), record);
    }
    if (!record.value.empty()) {
        return hv::Err{TreeFault::BadPath};
    }
    *readers = record.permissions;
    return hv::Ok{};
}

hv::Result<uint32_t, TreeFault> take_header(hv::Reader& reader) {
    if (TRY(take_number<uint32_t>(reader)) != hv::abi::xenstore_tree_magic) {
        return hv::Err{TreeFault::WrongMagic};
    }
    if (TRY(take_number<uint32_t>(reader)) != hv::abi::xenstore_tree_version) {
        return hv::Err{TreeFault::WrongVersion};
    }
    return take_number<uint32_t>(reader);
}

}  // namespace

hv::Result<void, TreeError> load_tree(Server& server, std::span<const std::byte> module) {
    hv::Reader reader{module};
    const auto count = take_header(reader);
    if (!count.ok()) {
        return hv::Err{TreeError{.fault = count.error()}};
    }
    for (uint32_t i = 0; i < count.value(); ++i) {
        const Loaded loaded = load_one(server, reader);
        if (!loaded.ok()) {
            return hv::Err{TreeError{.fault = loaded.error(), .record = i}};
        }
    }
    if (!reader.at_end()) {
        return hv::Err{TreeError{.fault = TreeFault::TrailingBytes, .record = count.value()}};
    }
    return hv::Ok{};
}

}  // namespace xenstore
