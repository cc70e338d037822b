# The job `dissect` done by tcpdump.
# needs: program:tcpdump program:python3
#
# sh tcpdump.sh
sh "$(dirname "$0")/../common/dissect.sh" tcpdump
