# From now on, or from the cursor in $CURSOR on. Without a token where the bridge asks for none.
curl -N --silent --show-error --fail \
  -H "Authorization: Bearer $ORCHESTRA_TOKEN" \
  -H "Last-Event-ID: $CURSOR" \
  "${BRIDGE:-http://127.0.0.1:4319}/v1/events?type=orchestra.job.*"
