#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A launch control module that nobody's `gantry build` wrote: words of Xen's binding, and of ours only
# what names the builder. All the rest is what the binding says of absent properties.
# usage: by_hand.sh GANTRY
. "$(dirname "$0")/../scenario.sh"

new_case "words of others"
build <<<'{
  "machine": {"memory": "256M", "cpus": 2}, "measurement": "off",
  "domains": [{"name": "planned", "memory": "16M", "kernel": "@hello@"}]}'
dtc -q -I dts -O dtb -o "$built/launch.lcm" - <<'END' || fail "dtc refuses the tree"
/dts-v1/;
/ {
    chosen {
        hypervisor {
            compatible = "hypervisor,xen";
            config {
                compatible = "xen,config";
                module@1 { compatible = "hl,builder", "multiboot,module"; module-index = <1>; };
            };
            first {
                compatible = "xen,domain";
                domain-uuid = [b3 fb 98 fb 8f 9f 67 a3 8f a3 8f a3 8f a3 8f a3];
                cpus = <1>;
                memory = <0x4000>;
                kernel { compatible = "module,kernel", "multiboot,module"; module-index = <2>; bootargs = ""; };
            };
            second@7 {
                compatible = "xen,domain";
                domid = <7>;
                domain-uuid = [b3 fb 98 fb 8f 9f 67 a3 8f a3 8f a3 8f a3 8f a4];
                cpus = <2>;
                memory = <0 0x4000>;
                mode = <4>;
                kernel { compatible = "multiboot,kernel", "multiboot,module"; module-index = <2>; };
            };
        };
    };
};
END
boot
expect_status 0
expect_line 'machine: ok'
expect_record 'event=capped measured=yes'
expect_record 'event=domain-ended domid=1 name=first how=poweroff expected=yes'
expect_record 'event=domain-ended domid=7 name=second how=poweroff expected=yes'
finish
