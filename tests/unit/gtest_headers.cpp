// SPDX-License-Identifier: Apache-2.0
// Nothing of its own: the target that CMake compiles gtest's headers for (CMakeLists.txt).
