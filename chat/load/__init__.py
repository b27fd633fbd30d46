"""The load generator: ``chat load``, and what it is made of, for other measurements.

    async with Crowd(["ws://127.0.0.1:8001/ws", "ws://127.0.0.1:8002/ws"]) as crowd:
        await crowd.come(200)
        await crowd.pair_off()
        await talk(crowd, rate=100, seconds=10)
        await crowd.settle(seconds=10)
    print(crowd.tally.delivery.quantile(0.99), crowd.book.missing)

``crowd.py`` has Crowd, ``profiles.py`` talk and the profiles; ``load.py`` has run, which does all of it.
"""
