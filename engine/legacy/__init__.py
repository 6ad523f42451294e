"""Import of what the older platform holds, through the rooms' doors.

Cut-over dates and the pattern of legacy numbers are data in `engine.application` and `engine.certificate`.
"""
