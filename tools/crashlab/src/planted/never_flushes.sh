#!/bin/busybox sh
# A store that acknowledges what the operating system has taken, and never flushes it.
for data; do :; done
/bin/busybox touch "$data"
echo ready
while read -r word log number record; do
    case $word in
    append)
        echo "$record" >>"$data"
        echo "ack $number"
        ;;
    dump)
        while read -r record; do
            echo "record 0 $record"
        done <"$data"
        echo end
        ;;
    stop)
        echo stopped
        exit
        ;;
    esac
done
