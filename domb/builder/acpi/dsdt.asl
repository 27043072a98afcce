// SPDX-License-Identifier: Apache-2.0
// The DSDT of every PVH domain: a machine without devices that can be turned off.
DefinitionBlock ("dsdt.aml", "DSDT", 2, "GANTRY", "PVH", 1)
{
    Name (\_S5, Package () { 5 })  // hv/abi/platform_port.hpp
    Scope (\_SB)
    {
    }
}
