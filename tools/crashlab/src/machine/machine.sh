# A machine whose parts lie in the folder $0; its port is standard input and output.
cd "$0" && exec qemu-system-x86_64 -accel "$FLOWSTONE_LAB_ACCELERATOR" -cpu max -M q35 -m 1024 \
    -nodefaults -no-user-config -display none -no-reboot \
    -kernel kernel -initrd guest -append "console=ttyS0 quiet panic=-1" -serial file:console \
    -drive file=disk,format=raw,if=none,id=disk,cache=writeback -device virtio-blk-pci,drive=disk \
    -device virtio-serial-pci -chardev stdio,id=port,signal=off \
    -device virtserialport,chardev=port,name=lab
