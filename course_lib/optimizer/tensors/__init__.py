"""What makes an optimizer of tensors out of a rule: everything of ``course_lib.optimizer`` that imports Paddle.

``interface`` has Paddle's methods, ``updates`` does a step, ``blocks`` make it fast. ``groups`` checks what an
optimizer is given, ``memory`` reads and writes tensors, ``saving`` and ``paddle_format`` know Paddle's files.
"""
