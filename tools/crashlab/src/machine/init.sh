#!/bin/busybox sh
# The only program of the guest: finds disk and port, and lets the store speak through the port.
busybox=/bin/busybox
$busybox mount -t proc proc /proc
$busybox mount -t sysfs sys /sys
$busybox mount -t devtmpfs dev /dev
for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk virtio_console; do
    # What the kernel has built in has no file.
    [ -f /modules/$module.ko ] && $busybox insmod /modules/$module.ko
done
until port=$($busybox ls /dev | $busybox grep vport) && [ -b /dev/vda ]; do
    $busybox usleep 10000
done
$busybox mount -t ext4 /dev/vda /data &&
    exec 3<>/dev/$port &&
    /bin/store target --journal-file-bytes 131072 $($busybox cat /arguments) /data/store <&3 >&3 2>/dev/console
$busybox poweroff -f
