"""Metrics pages of the kinds of servers that have a file."""

from __future__ import annotations

import pytest

from playground.engine.backends.openai_server.prometheus import cache_labels, measured, read_page
from playground.engine.backends.openai_server.server import UNKNOWN, server_of, servers

# As each server's documentation or source writes them; numbers are made up.
PAGES = {
    "vllm": """# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 2.0
vllm:num_requests_waiting{engine="0",model_name="m"} 4.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.5
vllm:prefix_cache_queries_total{engine="0",model_name="m"} 200.0
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 50.0
vllm:spec_decode_num_draft_tokens_total{engine="0"} 40.0
vllm:spec_decode_num_accepted_tokens_total{engine="0"} 30.0
vllm:cache_config_info{block_size="32",cache_dtype="auto",enable_prefix_caching="True",num_gpu_blocks="64"} 1.0
""",
    "sglang": """sglang:num_running_reqs{model_name="m",priority="",tp_rank="0"} 5.0
sglang:num_running_reqs{model_name="m",priority="1",tp_rank="0"} 3.0
sglang:num_running_reqs{model_name="m",priority="7",tp_rank="0"} 2.0
sglang:num_queue_reqs{model_name="m",priority="",tp_rank="0"} 4.0
sglang:num_queue_reqs{model_name="m",priority="1",tp_rank="0"} 4.0
sglang:token_usage{model_name="m"} 0.5
sglang:cache_hit_rate{model_name="m"} 0.25
sglang:spec_accept_rate{model_name="m"} 7.5e-1
""",
    "tensorrt_llm": """trtllm_num_requests_running{model_name="m"} 5.0
trtllm_num_requests_waiting{model_name="m"} 4.0
trtllm_kv_cache_utilization{model_name="m"} 0.5
trtllm_kv_cache_hit_rate{model_name="m"} 0.25
trtllm_spec_decode_drafted_tokens_total{model_name="m",token_position="0"} 20.0
trtllm_spec_decode_drafted_tokens_total{model_name="m",token_position="1"} 20.0
trtllm_spec_decode_accepted_tokens_total{model_name="m",token_position="0"} 18.0
trtllm_spec_decode_accepted_tokens_total{model_name="m",token_position="1"} 12.0
""",
    "lmdeploy": """lmdeploy:num_requests_running{engine="0",model_name="m"} 5.0
lmdeploy:num_requests_waiting{engine="0",model_name="m"} 4.0
lmdeploy:gpu_cache_usage_perc{engine="0",model_name="m"} 0.5
lmdeploy:prefix_cache_hit_rate{engine="0",model_name="m"} 0.25
lmdeploy:spec_decode_num_draft_tokens_total{engine="0"} 40.0
lmdeploy:spec_decode_num_accepted_tokens_total{engine="0"} 30.0
""",
}


def test_there_is_a_page_for_each_file():
    assert {server.owned_by[0] for server in servers()} == set(PAGES)


@pytest.mark.parametrize("owned_by", PAGES)
def test_each_page_is_read_whole(owned_by):
    server = server_of(owned_by)
    page = read_page(PAGES[owned_by], server.parts)
    alone = read_page(f"vllm:e2e_request_latency_seconds_sum 3.0\n{PAGES[owned_by]}", server.parts, server.series)
    assert alone == page
    told = measured(server, page, 1.0)
    assert (told.running, told.waiting, told.kv_usage, told.prefix_hits, told.acceptance) == (5, 4, 0.5, 0.25, 0.75)


def test_the_kv_cache_tells_how_it_was_made():
    labels = cache_labels(server_of("vllm"), read_page(PAGES["vllm"]))
    assert (labels["num_gpu_blocks"], labels["cache_dtype"]) == ("64", "auto")


def test_what_is_not_told_is_none_and_never_zero():
    told = measured(server_of("vllm"), read_page(""), 1.0)
    assert {getattr(told, name) for name in ("running", "waiting", "kv_usage", "prefix_hits", "acceptance")} == {None}
    nothing_asked = "vllm:prefix_cache_queries_total 0\nvllm:prefix_cache_hits_total 0\n"
    assert measured(server_of("vllm"), read_page(nothing_asked), 1.0).prefix_hits is None


def test_a_hostile_page_is_passed_over():
    page = read_page('a{x="\\"}"} 1\nb nan\nc 1e999\n<html>\nd one\n\x1b[2J 4\ne{} 2 1700000000\n' + "f" * 9999)
    assert page.values == {"a": [1.0], "e": [2.0]}


def test_a_kind_that_is_not_known_tells_nothing():
    assert server_of("somebody") is UNKNOWN
