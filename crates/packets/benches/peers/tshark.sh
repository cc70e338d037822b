# The job `dissect` done by tshark.
# needs: program:tshark program:python3
#
# sh tshark.sh
sh "$(dirname "$0")/../common/dissect.sh" tshark
