"""The corridor by hand."""

import time


async def test_a_certificate_is_issued(walk, application):
    t = time.perf_counter()
    draft, approval = await walk.approve(application)
    t1 = time.perf_counter()
    found = await walk.run(approval)
    t2 = time.perf_counter()
    print("approve", t1 - t, "run", t2 - t1)
    assert found.issued
    draft, approval = await walk.approve(application)
    t2 = time.perf_counter()
    found = await walk.run(approval)
    print("run again", time.perf_counter() - t2)
