/* The Node.js side of lib/tools/host/native.ts: system calls, which Node.js has no way to make. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <node_api.h>

enum { MAX_ARGUMENTS = 7 }; /* the number and six arguments */

/* An integer, or the address of a buffer's bytes. */
static long argument(napi_env env, napi_value value)
{
	bool is_buffer = false, lossless;
	napi_valuetype type;
	int64_t integer = 0;
	if (napi_is_buffer(env, value, &is_buffer) == napi_ok && is_buffer) {
		void *bytes = 0;
		size_t length;
		napi_get_buffer_info(env, value, &bytes, &length);
		return (long)bytes;
	}
	napi_typeof(env, value, &type);
	if (type == napi_bigint) napi_get_value_bigint_int64(env, value, &integer, &lossless);
	else napi_get_value_int64(env, value, &integer);
	return (long)integer;
}

static size_t arguments(napi_env env, napi_callback_info info, long numbers[MAX_ARGUMENTS])
{
	napi_value values[MAX_ARGUMENTS];
	size_t count = MAX_ARGUMENTS;
	napi_get_cb_info(env, info, &count, values, 0, 0);
	if (count > MAX_ARGUMENTS) count = MAX_ARGUMENTS;
	for (size_t i = 0; i < count; i++) numbers[i] = argument(env, values[i]);
	return count;
}

/* The result, or the negative errno. */
static napi_value system_call(napi_env env, napi_callback_info info)
{
	long a[MAX_ARGUMENTS] = { 0 };
	napi_value value;
	arguments(env, info, a);
	long result = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	napi_create_int64(env, result == -1 ? -errno : result, &value);
	return value;
}

static napi_value address(napi_env env, napi_callback_info info)
{
	long a[MAX_ARGUMENTS] = { 0 };
	napi_value value;
	arguments(env, info, a);
	napi_create_int64(env, (unsigned long)a[0], &value);
	return value;
}

NAPI_MODULE_INIT()
{
	napi_value function;
	napi_create_function(env, "syscall", NAPI_AUTO_LENGTH, system_call, 0, &function);
	napi_set_named_property(env, exports, "syscall", function);
	napi_create_function(env, "address", NAPI_AUTO_LENGTH, address, 0, &function);
	napi_set_named_property(env, exports, "address", function);
	return exports;
}
